package live_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/live"
	"campaignql/internal/testkit"
)

// lines is a log that is safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestTheDatabaseIsNotReadAfterTheServiceWasClosed closes the database after the service. A later
// read would fail and write to the log.
func TestTheDatabaseIsNotReadAfterTheServiceWasClosed(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		log := new(lines)
		f := newFixture(t, db, live.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
		w, err := f.Watch(f.ctx, []int64{f.campaign(t, kind.StatusSending).ID})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if _, err := w.Next(f.ctx); err != nil {
			t.Fatal(err)
		}
		f.Close()
		ctx, cancel := context.WithTimeout(f.ctx, patience)
		defer cancel()
		if row, err := w.Next(ctx); row != nil || apperr.CodeOf(err) != apperr.Unavailable {
			t.Errorf("a watch of a closed service returns %v, %v", row, err)
		}
		if _, err := f.Watch(f.ctx, nil); apperr.CodeOf(err) != apperr.Unavailable {
			t.Errorf("a closed service can be watched: %v", err)
		}
		if n := f.Open(); n != 1 {
			t.Errorf("%d watches are open, want the one that its reader has not closed", n)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(quiet)
		if text := log.String(); text != "" {
			t.Errorf("the log says %s", text)
		}
	})
}
