package testkit

import (
	"context"
	"testing"

	"campaignql/ent"
	"campaignql/ent/contact"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Contact returns the id of the contact with an address in the account of ctx. It makes the contact
// if there is none.
func Contact(t testing.TB, ctx context.Context, client *ent.Client, email string) int64 {
	t.Helper()
	key := address.Key(email)
	id, err := client.Contact.Query().Where(contact.EmailKey(key)).FirstID(ctx)
	if ent.IsNotFound(err) {
		return MakeContact(t, ctx, client, email)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// MakeContact makes a contact with an address that the account of ctx does not have yet.
func MakeContact(t testing.TB, ctx context.Context, client *ent.Client, email string) int64 {
	t.Helper()
	a, err := address.Parse(email)
	if err != nil {
		t.Fatal(err)
	}
	made, err := client.Contact.Create().
		SetEmail(a.Text).
		SetEmailKey(a.Key).
		SetDomain(a.Domain).
		SetCreatedAt(store.Now()).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}
