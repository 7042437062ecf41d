package gate

import "sync"

// Lobby limits connections whose owner is not known yet. A new connection always gets a place. If
// none is free, the oldest connection of the address with the most connections loses its place. So
// a client that authenticates at once gets in, no matter how many idle connections other clients
// hold.
type Lobby struct {
	places int

	mu     sync.Mutex
	guests map[string][]*Guest // by address, oldest first
	within int
	lost   int
}

// Guest is one connection in a lobby.
type Guest struct {
	lobby   *Lobby
	address string
	lost    chan struct{}
}

// NewLobby returns a lobby with the given number of places, at least one.
func NewLobby(places int) *Lobby {
	return &Lobby{places: max(places, 1), guests: map[string][]*Guest{}}
}

// Enter takes a place for a connection from an address.
func (l *Lobby) Enter(address string) *Guest {
	g := &Guest{lobby: l, address: address, lost: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.within >= l.places {
		l.evict()
	}
	l.guests[address] = append(l.guests[address], g)
	l.within++
	return g
}

// evict removes the oldest guest of the address that has the most guests.
func (l *Lobby) evict() {
	var crowd []*Guest
	for _, guests := range l.guests {
		if len(guests) > len(crowd) {
			crowd = guests
		}
	}
	l.remove(crowd[0])
	l.lost++
	close(crowd[0].lost)
}

func (l *Lobby) remove(g *Guest) {
	guests := l.guests[g.address]
	for i, other := range guests {
		if other != g {
			continue
		}
		l.within--
		if len(guests) == 1 {
			delete(l.guests, g.address)
			return
		}
		// Copy, because the caller may hold the slice.
		l.guests[g.address] = append(append([]*Guest(nil), guests[:i]...), guests[i+1:]...)
		return
	}
}

// Counts returns how many connections are in the lobby, and how many have lost their place so far.
func (l *Lobby) Counts() (within, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.within, l.lost
}

// Lost returns a channel that is closed when the guest has lost its place. The connection must then
// be closed.
func (g *Guest) Lost() <-chan struct{} { return g.lost }

// Leave gives the place back. It may be called more than once, also after the guest has lost its
// place.
func (g *Guest) Leave() {
	g.lobby.mu.Lock()
	defer g.lobby.mu.Unlock()
	g.lobby.remove(g)
}
