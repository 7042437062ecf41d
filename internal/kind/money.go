package kind

import "fmt"

// Money is an amount in one currency, kept exactly.
type Money struct {
	Hundredths int64
	// Code is the currency, three letters of ISO 4217; empty if it is not known.
	Code string
}

// Amount returns the amount as a decimal number in units of the currency.
func (m *Money) Amount() string { return fmt.Sprintf("%d.%02d", m.Hundredths/100, m.Hundredths%100) }

// Currency returns the currency, or nil if it is not known.
func (m *Money) Currency() *string {
	if m.Code == "" {
		return nil
	}
	return &m.Code
}
