package mail

// What a text and a line become when they are read.
var (
	Whole   = func(s string) string { return whole(tidy(clean(s))) }
	OneLine = oneLine
)

// ParseWith is Parse with another reader of parts than Read.
var ParseWith, Read = parse, read
