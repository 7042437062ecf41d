package kind

// Sender says who sends the campaigns of an account.
type Sender string

const (
	// SenderExternal means that a program of the account sends its campaigns, and records events.
	// The server sends nothing.
	SenderExternal Sender = "external"
	// SenderBuiltIn means that the server sends them.
	SenderBuiltIn Sender = "built_in"
)

// Values lists the senders.
func (Sender) Values() []string { return []string{string(SenderExternal), string(SenderBuiltIn)} }

// RunPurpose is why a campaign is sent.
type RunPurpose string

// RunMain is the sending of a campaign to its audience.
const RunMain RunPurpose = "main"

// Values lists the purposes.
func (RunPurpose) Values() []string { return []string{string(RunMain)} }

// RunPhase is how far a run is.
type RunPhase string

const (
	// RunFreezing means that the recipients are being written down.
	RunFreezing RunPhase = "freezing"
	// RunSending means that all recipients are known and some may still be written to.
	RunSending RunPhase = "sending"
	// RunCanceling means that the campaign was canceled, and the recipients that are left are being
	// skipped.
	RunCanceling RunPhase = "canceling"
	// RunDone means that the run has ended.
	RunDone RunPhase = "done"
)

// Values lists the phases in their order.
func (RunPhase) Values() []string {
	return []string{string(RunFreezing), string(RunSending), string(RunCanceling), string(RunDone)}
}

// RecipientState is what became of a recipient of a run.
type RecipientState string

const (
	// RecipientPending has not been written to.
	RecipientPending RecipientState = "pending"
	// RecipientBegun is being written to.
	RecipientBegun RecipientState = "begun"
	// RecipientDeferred was refused for now, and is tried again.
	RecipientDeferred RecipientState = "deferred"
	// RecipientSent was accepted by the recipient's mail server.
	RecipientSent RecipientState = "sent"
	// RecipientFailed was refused for good.
	RecipientFailed RecipientState = "failed"
	// RecipientUnknown may have been accepted: the answer was lost.
	RecipientUnknown RecipientState = "unknown"
	// RecipientSkipped was not written to, see SkipReason.
	RecipientSkipped RecipientState = "skipped"
)

// RecipientStates lists the states.
func RecipientStates() []RecipientState {
	return []RecipientState{
		RecipientPending, RecipientBegun, RecipientDeferred, RecipientSent, RecipientFailed, RecipientUnknown,
		RecipientSkipped,
	}
}

// Values lists the states.
func (RecipientState) Values() []string {
	var out []string
	for _, state := range RecipientStates() {
		out = append(out, string(state))
	}
	return out
}

// Open reports whether the run still has to do something for the recipient.
func (s RecipientState) Open() bool {
	return s == RecipientPending || s == RecipientBegun || s == RecipientDeferred
}

// SkipReason is why a recipient was not written to, although the run had begun with it.
type SkipReason string

const (
	// SkippedUnsubscribed had left the list.
	SkippedUnsubscribed SkipReason = "unsubscribed"
	// SkippedSuppressed had an address that the account never writes to.
	SkippedSuppressed SkipReason = "suppressed"
	// SkippedBounced had an address that does not accept mail.
	SkippedBounced SkipReason = "bounced"
	// SkippedDeleted was deleted.
	SkippedDeleted SkipReason = "deleted"
	// SkippedInvalidAddress had an address that cannot be written to.
	SkippedInvalidAddress SkipReason = "invalid_address"
	// SkippedCanceled was left when the campaign was canceled.
	SkippedCanceled SkipReason = "canceled"
)

// Values lists the reasons.
func (SkipReason) Values() []string {
	return []string{
		string(SkippedUnsubscribed), string(SkippedSuppressed), string(SkippedBounced),
		string(SkippedDeleted), string(SkippedInvalidAddress), string(SkippedCanceled),
	}
}
