package campaign

// Check and Effective let the external tests try the state machine without a database.
var (
	Check     = check
	Effective = effective
)
