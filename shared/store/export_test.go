package store

// Run is a transaction of statements that no method has.
var Run = (*Tenant).run
