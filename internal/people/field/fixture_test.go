package field_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/people/field"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

// fixture is an account with the service under test.
type fixture struct {
	*field.Service
	t   *testing.T
	db  *store.Store
	ctx context.Context
}

func newFixture(t *testing.T, db *store.Store, opts ...testkit.AccountOption) fixture {
	t.Helper()
	service := field.New(db, field.Options{Now: func() time.Time { return start }})
	return fixture{Service: service, t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db, opts...))}
}

func each(t *testing.T, test func(t *testing.T, f fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newFixture(t, db))
	})
}

func second[T any](_ T, err error) error { return err }

func fault(err error) string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Code, e.Reason, e.Field)))
	}
	return strings.Join(out, "; ")
}
