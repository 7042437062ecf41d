package model

import (
	"time"

	"campaignql/internal/capture"
)

// CapturedMessage shows a message that the mail server of a demo has taken.
type CapturedMessage struct{ *capture.Message }

// ID is the field id.
func (m *CapturedMessage) ID() string { return m.Message.ID }

// ReceivedAt is the field receivedAt.
func (m *CapturedMessage) ReceivedAt() time.Time { return m.Message.ReceivedAt }

// HTML is the field html.
func (m *CapturedMessage) HTML() *string {
	html, _ := m.Texts()
	return text(html)
}

// Plain is the field plain.
func (m *CapturedMessage) Plain() *string {
	_, plain := m.Texts()
	return text(plain)
}

// Source is the field source.
func (m *CapturedMessage) Source() string { return string(m.Message.Source) }
