package message

import "bytes"

type mailbox struct{}
type text struct{}
type segment struct{}
type compiler struct {
	source   Source
	fields   *Fields
	problems []Problem
}

func (c *compiler) compile(int) *Content { return &Content{} }

type writer struct {
	content  *Content
	envelope *Envelope
	shared   *Values
	to       *Recipient
}

func (w *writer) write(*bytes.Buffer) (Written, error) { return Written{}, nil }
