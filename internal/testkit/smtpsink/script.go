package smtpsink

import (
	"regexp"
	"strconv"
	"strings"
)

// Verb is a moment at which a script decides.
type Verb string

// The verbs, in order.
const (
	Connect Verb = "CONNECT" // instead of the greeting
	Mail    Verb = "MAIL"
	Rcpt    Verb = "RCPT"
	Data    Verb = "DATA"
	Body    Verb = "BODY" // after the first line of the body
	Dot     Verb = "DOT"  // after the final dot
)

// Event is what a script decides about.
type Event struct {
	Verb Verb
	// Address is the sender for Mail and the last recipient for the verbs after it.
	Address string
	// Times counts the events of this verb and address, from 1.
	Times int
	// Connection is the number of the connection, from 1.
	Connection int
}

// seen is what Times is counted by.
type seen struct {
	verb    Verb
	address string
}

// Script returns what happens at an event; nil means success. It must be safe for concurrent use.
type Script func(Event) *Action

// Both asks one script after the other. The first that decides counts.
func Both(scripts ...Script) Script {
	return func(e Event) *Action {
		for _, script := range scripts {
			if action := script(e); action != nil {
				return action
			}
		}
		return nil
	}
}

// Action is what a server does instead of success.
type Action struct {
	// Reply is what it answers, without the last line end; nothing if it is empty.
	Reply string
	// Slow sends the reply byte by byte.
	Slow bool
	// Take takes the message all the same. It is for Dot alone.
	Take bool
	// End is what becomes of the connection.
	End End
}

// End is what becomes of a connection after an action.
type End uint8

// The ends.
const (
	GoOn   End = iota
	Drop       // closes the connection
	Silent     // reads on and never answers again
)

// do asks the script about an event.
func (s *session) decide(verb Verb, address string) *Action {
	script := s.sink.options.Script
	if script == nil {
		return nil
	}
	s.sink.mu.Lock()
	s.sink.seen[seen{verb, address}]++
	times := s.sink.seen[seen{verb, address}]
	s.sink.mu.Unlock()
	return script(Event{Verb: verb, Address: address, Times: times, Connection: s.number})
}

// Greylist refuses every recipient once.
func Greylist(e Event) *Action {
	if e.Verb == Rcpt && e.Times == 1 {
		return &Action{Reply: "451 4.7.1 greylisted, try again later"}
	}
	return nil
}

// order is the form of an order in a local part.
var order = regexp.MustCompile(
	`^(connect|mail|rcpt|data|body|dot)-(?:(\d{3})(?:-(\d\.\d+\.\d+))?|([a-z]+))(?:-x(\d+))?$`,
)

// ByLocalPart is the script of addresses that say themselves what happens to them: orders stand
// behind plus signs in the local part, such as
//
//	anna+rcpt-550-5.1.1@example.com       550 5.1.1 to RCPT
//	anna+dot-451-4.7.1-x2@example.com     451 4.7.1 to the final dot, twice
//	anna+data-421@example.com             421 to DATA, and the connection is closed
//	anna+body-drop@example.com            the connection is closed in the body
//	anna+dot-drop@example.com             closed in place of the reply; the message is not taken
//	anna+dot-takedrop@example.com         closed in place of the reply, but the message was taken
//	anna+dot-silent@example.com           no reply; also takesilent
//	anna+rcpt-slow@example.com            success, byte by byte
//
// Orders for MAIL stand in the address of the sender.
func ByLocalPart(e Event) *Action {
	at := strings.LastIndexByte(e.Address, '@')
	if at < 0 {
		return nil
	}
	for _, part := range strings.Split(e.Address[:at], "+")[1:] {
		m := order.FindStringSubmatch(part)
		if m == nil || !strings.EqualFold(m[1], string(e.Verb)) {
			continue
		}
		if times, err := strconv.Atoi(m[5]); err == nil && e.Times > times {
			continue
		}
		return action(e.Verb, m[2], m[3], m[4])
	}
	return nil
}

// action returns the action of an order.
func action(verb Verb, code, enhanced, word string) *Action {
	if code != "" {
		a := &Action{Reply: strings.TrimSpace(code+" "+enhanced) + " as the address says"}
		if code == "421" {
			a.End = Drop
		}
		return a
	}
	switch word {
	case "drop":
		return &Action{End: Drop}
	case "takedrop":
		return &Action{Take: true, End: Drop}
	case "silent":
		return &Action{End: Silent}
	case "takesilent":
		return &Action{Take: true, End: Silent}
	case "slow":
		return &Action{Reply: success(verb), Slow: true, Take: true}
	default:
		return nil
	}
}

// success is the reply of a verb that goes well.
func success(verb Verb) string {
	switch verb {
	case Connect:
		return "220 sink ESMTP"
	case Data:
		return "354 go on"
	case Dot:
		return "250 2.0.0 taken"
	default:
		return "250 2.1.0 fine"
	}
}
