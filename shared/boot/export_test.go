package boot

// NewLog lets tests read what Log writes.
var NewLog = newLog
