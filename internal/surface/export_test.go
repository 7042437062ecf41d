package surface

// Waiting returns how many connections wait for a request or for the rest of its headers.
func (l *Listener) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, of := range l.addresses {
		n += of.waiting.Len()
	}
	return n
}
