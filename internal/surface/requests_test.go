package surface_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/budget"
	"campaignql/internal/caller"
	"campaignql/internal/surface"
)

// from returns the context of a request from a client address.
func from(t *testing.T, client string) context.Context {
	return surface.WithRequest(t.Context(), &surface.Request{Client: client})
}

func TestRequestsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	requests := surface.NewRequests(budget.NewPool(0, 0), 4, 3)
	enter := func(account int64) (end func(), err error) {
		ctx, end := requests.Open(from(t, "192.0.2.1"))
		_, err = surface.Enter(ctx, caller.Identity{UserID: account})
		return end, err
	}
	var ends []func()
	for range 3 {
		end, err := enter(1)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	end, err := enter(1)
	if all := apperr.All(err); len(all) != 1 || all[0].Code != apperr.Limited || all[0].RetryAfter <= 0 {
		t.Errorf("over the bound of the account: %v", err)
	}
	end()
	if _, err := enter(2); err != nil {
		t.Errorf("another account: %v", err)
	}
	_, err = enter(3)
	if all := apperr.All(err); len(all) != 1 || all[0].Code != apperr.Unavailable || all[0].RetryAfter <= 0 {
		t.Errorf("over the bound of the server: %v", err)
	}
	ends[0]()
	ends[0]()
	if _, err := enter(3); err != nil {
		t.Errorf("after a request has ended: %v", err)
	}
	if _, err := enter(4); err == nil {
		t.Error("a place was given back twice")
	}
}

func TestRequestsWithoutCredentialsHavePlacesOfTheirOwn(t *testing.T) {
	t.Parallel()
	requests := surface.NewRequests(budget.NewPool(0, 0), 12, 2)
	enter := func(client string) error {
		ctx, _ := requests.Open(from(t, client))
		return surface.EnterNameless(ctx)
	}
	for _, tt := range []struct {
		client string
		want   apperr.Code
	}{
		{"2001:db8::1", ""}, {"2001:db8::2", ""}, {"2001:db8::3", apperr.Limited}, // the same /64 network
		{"192.0.2.1", ""}, {"192.0.2.2", apperr.Unavailable},
	} {
		err := enter(tt.client)
		if all := apperr.All(err); (err != nil) != (tt.want != "") || err != nil && all[0].Code != tt.want {
			t.Errorf("%s: %v, want %q", tt.client, err, tt.want)
		}
	}
	ctx, _ := requests.Open(t.Context())
	if _, err := surface.Enter(ctx, caller.Identity{UserID: 1}); err != nil {
		t.Errorf("an account meanwhile: %v", err)
	}
}

func TestARequestHasOnePlaceUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	requests := surface.NewRequests(budget.NewPool(0, 0), 0, 1)
	known := caller.Identity{UserID: 1}
	handler := requests.Handler(requests.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for range 2 {
			if _, err := surface.Enter(r.Context(), known); err != nil {
				t.Error(err)
			}
		}
		if _, err := surface.Enter(surface.WithoutPlace(r.Context()), known); err != nil {
			t.Errorf("without a place: %v", err)
		}
		shared, end := requests.Open(r.Context())
		defer end()
		if _, err := surface.Enter(shared, known); err == nil {
			t.Error("an operation over a shared connection takes no place")
		}
	})))
	for range 2 {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}
	if _, err := surface.Enter(t.Context(), known); err != nil {
		t.Errorf("outside of a request: %v", err)
	}
}
