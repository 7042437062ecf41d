package address

// ParseSlowly parses a trimmed address without the short cut for ASCII.
var ParseSlowly = parse
