package message

// HTMLHasUnsubscribeLink reports whether an HTML text has the tag of the unsubscribe link at a place
// where a person can see and click it: in visible text, or as the target of a link that has something
// visible in it. Comments, style, script, title, head and hidden elements do not count.
func HTMLHasUnsubscribeLink(html string) bool { return false }

// PlainHasUnsubscribeLink reports whether a plain text has the tag of the unsubscribe link.
func PlainHasUnsubscribeLink(plain string) bool { return false }
