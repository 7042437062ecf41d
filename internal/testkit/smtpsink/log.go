package smtpsink

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"
)

// Entry is one recipient of a message that was taken.
type Entry struct {
	// Address is the recipient and From the return path.
	Address, From string
	// MessageID is the header Message-ID without what surrounds it.
	MessageID string
	At        time.Time
	// Connection is the number of the connection, from 1. Size is that of the message in bytes.
	Connection, Size int
	// Body is the message as it was before dots were doubled, with [Options.KeepBodies].
	Body []byte
}

// take writes the recipients of a message to the log. Only after it the message may be answered.
func (s *Sink) take(entries []Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	if s.file != nil {
		var lines []byte
		for _, e := range entries {
			lines = fmt.Appendf(lines, "%s\t%s\t%s\n", e.At.UTC().Format(time.RFC3339Nano), e.Address, e.MessageID)
		}
		if _, err := s.file.Write(lines); err != nil { // one write: whole lines or none
			return err
		}
	}
	if !s.options.Discard {
		s.log = append(s.log, entries...)
	}
	return nil
}

// Count returns how many messages were taken.
func (s *Sink) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Log returns the log, in the order in which messages were taken.
func (s *Sink) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.log...)
}

// ReadLog reads a file of [Options.LogFile]: the time, the address and the Message-ID of each
// recipient. A line that a crash of the sink cut off is left out.
func ReadLog(path string) ([]Entry, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var log []Entry
	for in := bufio.NewReader(file); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return log, nil
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s holds the line %q", path, line)
		}
		at, err := time.Parse(time.RFC3339Nano, fields[0])
		if err != nil {
			return nil, err
		}
		log = append(log, Entry{At: at, Address: fields[1], MessageID: fields[2]})
	}
}
