package suppression_test

import (
	"fmt"
	"strings"
	"testing"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/suppression"
	"campaignql/internal/testkit"
)

func shown(rows []*ent.Suppression) string {
	var out []string
	for _, row := range rows {
		out = append(out, fmt.Sprintf("%s %s", row.Email, row.Reason))
	}
	return strings.Join(out, ", ")
}

func TestAddressesAreSuppressedOnce(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		for _, test := range []struct {
			addresses []string
			reason    kind.SuppressionReason
			want      string
		}{
			{[]string{" B@example.com ", "jörg@straße.example", "b@EXAMPLE.com"}, kind.SuppressedByBounce, "B@example.com hard_bounce, jörg@straße.example hard_bounce"},
			{[]string{"a@example.com", "JÖRG@STRAẞE.example"}, kind.SuppressedManually, "a@example.com manual, jörg@straße.example hard_bounce"},
			{nil, kind.SuppressedManually, ""},
		} {
			if rows, err := f.Suppress(f.ctx, test.addresses, test.reason); err != nil || shown(rows) != test.want {
				t.Errorf("%q: %s, %v", test.addresses, shown(rows), err)
			}
		}
		want := "invalid suppression_address_invalid addresses[1]; invalid suppression_address_invalid addresses[2]; invalid suppression_reason_unknown reason"
		if got := fault(second(f.Suppress(f.ctx, []string{"x@example.com", "x", ""}, "x"))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := fault(
			second(f.Suppress(f.ctx, make([]string, 5001), kind.SuppressedManually)),
		); got != "invalid too_many_addresses addresses" {
			t.Error(got)
		}
		if n, err := f.Count(f.ctx, suppression.Filter{}); err != nil || n != 3 {
			t.Errorf("%d are suppressed, %v", n, err)
		}
	})
}

func TestAsManyAsOneCallTakes(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		addresses := make([]string, suppression.MaxAddresses)
		for i := range addresses {
			addresses[i] = fmt.Sprintf("%d@example.com", i)
		}
		rows, err := f.Suppress(f.ctx, addresses, kind.SuppressedManually)
		if err != nil || len(rows) != len(addresses) || rows[4999].Email != addresses[4999] {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		released, err := f.Unsuppress(f.ctx, addresses)
		if err != nil || len(released) != len(addresses) {
			t.Errorf("%d released, %v", len(released), err)
		}
	})
}

func TestReleasedAreThoseThatWereSuppressed(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		other := newFixture(t, f.db)
		for _, account := range []fixture{f, other} {
			if _, err := account.Suppress(account.ctx, []string{"A@example.com"}, kind.SuppressedManually); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []string{"[A@example.com]", "[]"} {
			if released, err := f.Unsuppress(f.ctx, []string{"b@example.com", "a@EXAMPLE.com"}); err != nil ||
				fmt.Sprint(released) != want {
				t.Errorf("%v, %v; want %s", released, err, want)
			}
		}
		if n, err := other.Count(other.ctx, suppression.Filter{}); err != nil || n != 1 {
			t.Errorf("the other account suppresses %d, %v", n, err)
		}
		if got := fault(
			second(f.Unsuppress(f.ctx, []string{"x"})),
		); got != "invalid suppression_address_invalid addresses[0]" {
			t.Error(got)
		}
	})
}

func TestSuppressionsAreListedAndFound(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		for reason, address := range map[kind.SuppressionReason]string{kind.SuppressedManually: "B@example.com", kind.SuppressedByComplaint: "a%@example.com"} {
			if _, err := f.Suppress(f.ctx, []string{address}, reason); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			filter suppression.Filter
			want   string
		}{
			{suppression.Filter{}, "a%@example.com complaint, B@example.com manual"}, {suppression.Filter{Search: "%"}, "a%@example.com complaint"},
			{suppression.Filter{Reasons: []kind.SuppressionReason{kind.SuppressedManually}}, "B@example.com manual"}, {suppression.Filter{Reasons: []kind.SuppressionReason{}}, ""},
		} {
			result, err := f.List(f.ctx, test.filter, page.Request{})
			n, countErr := f.Count(f.ctx, test.filter)
			if err != nil || countErr != nil || shown(result.Items) != test.want || n != len(result.Items) {
				t.Errorf("%+v: %s, %d, %v, %v", test.filter, shown(result.Items), n, err, countErr)
			}
		}
		who := f.db.Client(f.ctx).Suppression.Query().FirstX(f.ctx).UserID
		found, err := f.Of(
			f.ctx,
			[]suppression.Address{{OwnerID: who, Key: "b@example.com"}, {OwnerID: who, Key: "c@example.com"}},
			"reason",
		)
		if err != nil || len(found) != 1 ||
			found[suppression.Address{OwnerID: who, Key: "b@example.com"}].Reason != kind.SuppressedManually {
			t.Errorf("%v, %v", found, err)
		}
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		for name, err := range map[string]error{
			"Suppress": second(reader.Suppress(reader.ctx, nil, "")), "Unsuppress": second(reader.Unsuppress(reader.ctx, nil)),
		} {
			if apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without its scope: %v", name, err)
			}
		}
	})
}
