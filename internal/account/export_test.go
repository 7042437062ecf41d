package account

import "sync/atomic"

// CountHashes counts the password hashes that s computes from now on.
func CountHashes(s *Service) *atomic.Int64 {
	count := new(atomic.Int64)
	BeforeHash(s, func() { count.Add(1) })
	return count
}

// BeforeHash makes s call fn before each password hash that it computes.
func BeforeHash(s *Service, fn func()) {
	derive := s.passwords.derive
	s.passwords.derive = func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		fn()
		return derive(password, salt, time, memory, threads, keyLen)
	}
}

// HoldHashSlots takes every slot for hashing until the returned function is called.
func HoldHashSlots(s *Service) (release func()) {
	n := cap(s.passwords.slots)
	for range n {
		s.passwords.slots <- struct{}{}
	}
	return func() {
		for range n {
			<-s.passwords.slots
		}
	}
}

// NameCounter returns the id of the row that counts failures of a name now.
func NameCounter(s *Service, name string) string {
	return counterID(s.counters(foldName(name), "").name, s.now())
}

var DescendantsOf = descendantsOf

// HoldLook holds the lock for reading the validity of followed callers.
func HoldLook(s *Service) (release func()) {
	s.followers.looking <- struct{}{}
	return func() { <-s.followers.looking }
}
