package forget_test

import (
	"os"
	"path/filepath"
	"testing"

	"campaignql/internal/app"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/secret"
)

// TestARunningServerFindsARotatedSecret forgets somebody under a new secret of the file. A server that
// has read the file before signs up people.
func TestARunningServerFindsARotatedSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		path := filepath.Join(t.TempDir(), "secret")
		known, err := secret.Ensure(path)
		if err != nil {
			t.Fatal(err)
		}
		running := app.NewServices(w.Store, app.ServiceOptions{Secret: known})
		t.Cleanup(running.Close)
		if err := secret.Rotate(path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		w.Services = w.with(w.Store, string(text))
		w.forget(forget.Options{}, w.enter(w.lists[0], "ann@example.com")...)
		_, err = running.Subscribers.Subscribe(
			w.ctx, subscriber.Subscription{ListID: w.lists[0], Email: "ann@example.com"},
		)
		if err != nil || w.suppression("ann@example.com") == "" {
			t.Errorf("%v, suppression %q", err, w.suppression("ann@example.com"))
		}
	})
}
