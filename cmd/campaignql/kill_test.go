package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"campaignql/internal/testkit"
)

// TestAKilledServerLosesNothingItAcknowledged kills the server three times while six clients write.
func TestAKilledServerLosesNothingItAcknowledged(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		key := newKey(t, address, "ann")
		var acknowledged []string
		for round := range 3 {
			s := start(t, address)
			acknowledged = append(acknowledged, writeUntilKilled(t, s, key, 40+20*round)...)
			restarted := start(t, address) // it may have to recover the database before the test can read it
			mustBeReady(t, restarted)
			whole, halves := campaigns(t, address)
			if halves != 0 {
				t.Errorf("after kill %d: %d campaigns or history entries are half written", round+1, halves)
			}
			for _, id := range acknowledged {
				if !whole[id] {
					t.Errorf("after kill %d: campaign %s was acknowledged and is lost", round+1, id)
				}
			}
			restarted.terminate(t)
			if status := restarted.wait(t); status != 0 {
				t.Errorf("the restarted server ended with %d", status)
			}
		}
	})
}

// writeUntilKilled lets clients create campaigns in a loop and kills the server once enough were
// acknowledged. It returns the ids of all acknowledged campaigns.
func writeUntilKilled(t *testing.T, s *server, key string, enough int) []string {
	t.Helper()
	// Not the context of the test, because the kill must end the clients.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var mu sync.Mutex
	var acknowledged []string
	reached := make(chan struct{})
	var clients sync.WaitGroup
	for number := range 6 {
		client := &http.Client{Transport: &http.Transport{}} // its own connection, kept open
		create := s.createByGraphQL
		if number%2 == 1 {
			create = s.createByCommand
		}
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				id, err := create(ctx, client, key, fmt.Sprintf("campaign %d of client %d", n, number))
				if err != nil {
					return
				}
				mu.Lock()
				if acknowledged = append(acknowledged, id); len(acknowledged) == enough {
					close(reached)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-reached:
	case <-ctx.Done():
		t.Fatal("the clients got nowhere")
	}
	s.kill(t)
	clients.Wait()
	if err := ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("the clients outlived the server")
	}
	return acknowledged
}

func mustBeReady(t *testing.T, s *server) {
	t.Helper()
	response, err := http.Get(s.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("/readyz answers %d", response.StatusCode)
	}
}
