package smtpsink

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"time"
)

// path returns the address of MAIL or RCPT and its parameters.
func path(argument, keyword string) (address, parameters string, ok bool) {
	if len(argument) < len(keyword) || !strings.EqualFold(argument[:len(keyword)], keyword) {
		return "", "", false
	}
	rest := argument[len(keyword):]
	end := strings.LastIndexByte(rest, '>')
	if end < 1 || rest[0] != '<' {
		return "", "", false
	}
	return rest[1:end], strings.TrimSpace(rest[end+1:]), true
}

// mail answers MAIL.
func (s *session) mail(argument string) error {
	from, parameters, ok := path(argument, "FROM:")
	o := s.sink.options
	switch {
	case !ok:
		s.sink.violation("MAIL %s", argument)
		s.reply("501 5.5.4 MAIL FROM:<address>")
		return nil
	case s.mailing:
		s.sink.violation("MAIL within a transaction")
		s.reply("503 5.5.1 a transaction is open")
		return nil
	case !s.greeted:
		s.sink.violation("MAIL before EHLO")
		s.reply("503 5.5.1 say EHLO first")
		return nil
	case o.Login.User != "" && !s.loggedIn:
		s.reply("530 5.7.0 log in first")
		return nil
	case o.PerConnection > 0 && s.taken >= o.PerConnection:
		s.reply("421 4.7.0 too many messages in one connection")
		return errEnd
	}
	s.checkParameters(parameters, from)
	if a := s.decide(Mail, from); a != nil {
		s.mailing = strings.HasPrefix(a.Reply, "2")
		s.from = from
		return s.act(a)
	}
	s.mailing, s.from = true, from
	s.reply(success(Mail))
	return nil
}

// checkParameters checks that the parameters of MAIL were offered.
func (s *session) checkParameters(parameters, from string) {
	o := s.sink.options
	for _, parameter := range strings.Fields(parameters) {
		name, _, _ := strings.Cut(parameter, "=")
		switch strings.ToUpper(name) {
		case "SIZE":
		case "BODY":
			if o.No8BITMIME {
				s.sink.violation("%s was not offered", parameter)
			}
		case "SMTPUTF8":
			if o.NoSMTPUTF8 {
				s.sink.violation("%s was not offered", parameter)
			}
		default:
			s.sink.violation("MAIL has the parameter %s", parameter)
		}
	}
	if strings.ContainsFunc(from, func(r rune) bool { return r > '~' }) && !strings.Contains(parameters, "SMTPUTF8") {
		s.sink.violation("the sender %s without SMTPUTF8", from)
	}
}

// rcpt answers RCPT.
func (s *session) rcpt(argument string) error {
	to, _, ok := path(argument, "TO:")
	switch {
	case !ok:
		s.sink.violation("RCPT %s", argument)
		s.reply("501 5.5.4 RCPT TO:<address>")
		return nil
	case !s.mailing:
		s.reply("503 5.5.1 MAIL comes first")
		return nil
	}
	s.last = to
	if a := s.decide(Rcpt, to); a != nil {
		if strings.HasPrefix(a.Reply, "2") {
			s.recipients = append(s.recipients, to)
		}
		return s.act(a)
	}
	s.recipients = append(s.recipients, to)
	s.reply(success(Rcpt))
	return nil
}

// data answers DATA and reads the body.
func (s *session) data() error {
	granted := true
	switch {
	case len(s.recipients) == 0 && s.sink.options.GrantData:
		s.reply(success(Data))
	case !s.mailing:
		s.reply("503 5.5.1 MAIL comes first")
		return nil
	case len(s.recipients) == 0:
		s.reply("554 5.5.1 no valid recipients")
		return nil
	default:
		if s.in.Buffered() > 0 {
			s.sink.violation("%q came behind DATA, ahead of its reply", s.peek())
		}
		a := s.decide(Data, s.last)
		if a == nil {
			s.reply(success(Data))
			break
		}
		granted = strings.HasPrefix(a.Reply, "3")
		if err := s.act(a); err != nil {
			return err
		}
	}
	if !granted {
		return nil
	}
	if err := s.readBody(); err != nil {
		return err
	}
	return s.dot()
}

var messageID = []byte("message-id:")

// readBody reads the body up to the final dot.
func (s *session) readBody() error {
	header, first, start := true, true, true
	for {
		line, err := s.in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long {
			return err
		}
		if start && len(line) == 3 && string(line) == ".\r\n" {
			return nil
		}
		if start && line[0] == '.' {
			line = line[1:]
		}
		if !long && (len(line) < 2 || line[len(line)-2] != '\r') {
			s.sink.violation("a line of a body ends with LF alone: %q", line)
		}
		s.size += len(line)
		if header {
			s.readHeader(line)
			header = len(line) > 2
		}
		if s.sink.options.KeepBodies {
			s.body = append(s.body, line...)
		}
		start = !long
		if first {
			first = false
			if a := s.decide(Body, s.last); a != nil {
				if err := s.act(a); err != nil {
					return err
				}
			}
		}
	}
}

// readHeader keeps the Message-ID.
func (s *session) readHeader(line []byte) {
	if len(line) > len(messageID) && line[0]|0x20 == 'm' && bytes.EqualFold(line[:len(messageID)], messageID) {
		s.messageID = string(bytes.Trim(line[len(messageID):], " \t\r\n<>"))
	}
}

// dot answers the final dot. What is taken stands in the log before.
func (s *session) dot() error {
	defer s.reset()
	if len(s.recipients) == 0 {
		if s.size > 0 {
			s.sink.violation("a body without a recipient")
		}
		s.reply("554 5.5.1 no valid recipients")
		return nil
	}
	if s.size == 0 {
		s.sink.violation("an empty message for %s", s.last)
	}
	o := s.sink.options
	a := s.decide(Dot, s.last)
	switch {
	case a != nil && !a.Take:
		return s.act(a)
	case s.size > o.MaxSize:
		s.reply("552 5.3.4 the message is too large")
		return nil
	case o.Quota > 0 && !s.sink.reserve():
		s.reply("452 4.5.3 the quota is used up")
		return nil
	}
	if err := s.sink.take(s.entries()); err != nil {
		s.reply("451 4.3.0 " + err.Error())
		return nil
	}
	s.taken++
	if a != nil {
		return s.act(a)
	}
	s.reply(success(Dot))
	return nil
}

// reserve takes one message of the quota.
func (s *Sink) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved >= s.options.Quota && !s.noQuota {
		return false
	}
	s.reserved++
	return true
}

// entries returns the entries of the message for the log.
func (s *session) entries() []Entry {
	if s.sink.options.Discard && s.sink.file == nil {
		return nil
	}
	entries := make([]Entry, len(s.recipients))
	now := time.Now()
	for i, address := range s.recipients {
		entries[i] = Entry{
			Address: address, From: s.from, MessageID: s.messageID, At: now, Connection: s.number, Size: s.size,
			Body: s.body,
		}
	}
	return entries
}
