package account

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/campaign"
	"campaignql/ent/contact"
	"campaignql/ent/customfield"
	"campaignql/ent/email"
	"campaignql/ent/session"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertag"
	"campaignql/ent/suppression"
	"campaignql/ent/tag"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// UserPatch is a partial change of an account. A field that is nil is left alone. The values are those
// of NewUser; an empty value of a field that has a default there sets the default.
type UserPatch struct {
	Username, Email, FirstName, LastName, TimeZone *string
	Role                                           *kind.Role
	Reputation                                     *kind.Reputation
	Sender                                         *kind.Sender
}

// over returns the account after the patch, and the names of the fields that the patch sets.
func (p UserPatch) over(u *ent.User) (in NewUser, named []string) {
	in = NewUser{
		Username: u.Username, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, TimeZone: u.TimeZone,
		Role: u.Role, Reputation: u.Reputation, Sender: u.Sender, Password: strings.Repeat("x", minPasswordCharacters),
	}
	named = appendSet(named, "username", p.Username, &in.Username)
	named = appendSet(named, "email", p.Email, &in.Email)
	named = appendSet(named, "firstName", p.FirstName, &in.FirstName)
	named = appendSet(named, "lastName", p.LastName, &in.LastName)
	named = appendSet(named, "timeZone", p.TimeZone, &in.TimeZone)
	named = appendSet(named, "role", p.Role, &in.Role)
	named = appendSet(named, "reputation", p.Reputation, &in.Reputation)
	named = appendSet(named, "sender", p.Sender, &in.Sender)
	if p.Email != nil && p.Username == nil {
		named = append(named, "username") // a name that is an address must be the new one
	}
	return in, named
}

func appendSet[T any](named []string, name string, value, into *T) []string {
	if value == nil {
		return named
	}
	*into = *value
	return append(named, name)
}

// UpdateUser changes an account and returns it. The caller must be an admin with the scope write, or
// the server itself. Faults are reported as by CreateUser, those of the fields that the patch sets. A
// role or reputation applies from the next request on; what an open stream may do no longer ends it
// within two seconds. Keys keep their scopes. Taking the role admin from the last admin is a Conflict on
// role, reason last_admin. A change of the sender is refused as by UpdateOwn.
func (s *Service) UpdateUser(ctx context.Context, id int64, patch UserPatch) (*ent.User, error) {
	if err := manageAccounts(ctx); err != nil {
		return nil, err
	}
	var updated *ent.User
	var in NewUser
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		if patch.Role != nil && *patch.Role != kind.RoleAdmin {
			if err := s.keepAdmin(ctx, id, "role"); err != nil {
				return err
			}
		}
		if err := s.lockKeys(ctx, id); err != nil {
			return err
		}
		stored, err := s.db.Client(ctx).User.Get(ctx, id)
		if err != nil {
			return err
		}
		var named []string
		in, named = patch.over(stored)
		all := in.normalize()
		if err := s.addTaken(ctx, &in, id, all); err != nil {
			return err
		}
		var faults apperr.Faults
		for _, fault := range apperr.All(all.Err()) {
			if slices.Contains(named, fault.Field) {
				faults.Add(fault)
			}
		}
		if err := faults.Err(); err != nil {
			return err
		}
		if in.Sender != stored.Sender {
			if err := s.nothingSending(ctx, id); err != nil {
				return err
			}
		}
		updated, err = s.db.Client(ctx).User.UpdateOneID(id).
			SetUsername(in.Username).SetUsernameKey(in.usernameKey).
			SetEmail(in.Email).SetEmailKey(in.emailKey).
			SetFirstName(in.FirstName).SetLastName(in.LastName).
			SetTimeZone(in.TimeZone).SetRole(in.Role).SetReputation(in.Reputation).
			SetSender(in.Sender).SetUpdatedAt(s.now()).
			Save(ctx)
		return err
	})
	if store.IsDuplicate(err) {
		// As in CreateUser: a concurrent call took the name or the address after the check above.
		taken := new(apperr.Faults)
		if lookErr := s.addTaken(ctx, &in, id, taken); lookErr != nil {
			return nil, lookErr
		}
		if takenErr := taken.Err(); takenErr != nil {
			err = takenErr
		}
	}
	if err != nil {
		return nil, store.Translate(err)
	}
	s.followers.wake()
	return updated, nil
}

// keepAdmin returns a Conflict if the account is the only admin. It locks all admins in the order of their
// ids, so that of two concurrent calls for the last two one is rejected.
func (s *Service) keepAdmin(ctx context.Context, id int64, field string) error {
	query := s.db.Client(ctx).User.Query().Where(user.RoleEQ(kind.RoleAdmin)).Order(user.ByID())
	query.Modify(store.Lock)
	admins, err := query.IDs(ctx)
	if err != nil || len(admins) != 1 || admins[0] != id {
		return err
	}
	return &apperr.Error{
		Code: apperr.Conflict, Field: field, Reason: apperr.ReasonLastAdmin,
		Message: "the account is the last admin: give another account the role admin first",
	}
}

// DeleteUser deletes an account with its API keys and sessions. The caller must be an admin with the
// scope write, or the server itself. An account that still owns campaigns, emails, lists, tags, custom
// fields, labels, suppressions or contacts with an address is a Conflict, reason user_in_use, that says
// how many, and nothing is deleted. What it did to campaigns of other accounts stays in their histories,
// by its number. The last admin is a Conflict, reason last_admin.
//
// The keys, the sessions and the password end first. The account follows when wait returns, which has to
// take longer than a request may: one that began before may still create something. Then that is the
// Conflict, and the account stays without any key.
func (s *Service) DeleteUser(ctx context.Context, id int64, wait func(ctx context.Context) error) error {
	if err := manageAccounts(ctx); err != nil {
		return err
	}
	unknown, err := s.hashPassword(ctx, rand.Text())
	if err != nil {
		return err
	}
	err = s.whereEmpty(ctx, id, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		if _, err := client.Session.Delete().Where(session.UserID(id)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.APIKey.Delete().Where(apikey.UserID(id)).Exec(ctx); err != nil {
			return err
		}
		return client.User.UpdateOneID(id).SetPasswordHash(unknown).SetUpdatedAt(s.now()).Exec(ctx)
	})
	if err != nil {
		return err
	}
	s.followers.wake()
	if err := wait(ctx); err != nil {
		return err
	}
	return s.whereEmpty(ctx, id, func(ctx context.Context) error {
		return s.db.Client(ctx).User.DeleteOneID(id).Exec(ctx)
	})
}

// whereEmpty runs change in a transaction that has locked the account, unless the account owns anything or
// is the last admin.
func (s *Service) whereEmpty(ctx context.Context, id int64, change func(ctx context.Context) error) error {
	return store.Translate(s.db.TxLatest(ctx, func(ctx context.Context) error {
		if err := s.keepAdmin(ctx, id, ""); err != nil {
			return err
		}
		if err := s.lockKeys(ctx, id); err != nil {
			return err
		}
		left, err := s.owned(ctx, id)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return &apperr.Error{
				Code: apperr.Conflict, Reason: apperr.ReasonUserInUse,
				Message: "the account still has " + strings.Join(left, ", ") + ": delete them first",
			}
		}
		return change(ctx)
	}))
}

// owned returns what an account owns, such as "3 campaigns".
func (s *Service) owned(ctx context.Context, id int64) ([]string, error) {
	client := s.db.Client(ctx)
	var left []string
	for _, of := range []struct {
		name  string
		count func(context.Context) (int, error)
	}{
		{"campaigns", client.Campaign.Query().Where(campaign.UserID(id)).Count},
		{"emails", client.Email.Query().Where(email.UserID(id)).Count},
		{"lists", client.SubscriberList.Query().Where(subscriberlist.UserID(id)).Count},
		{"tags", client.Tag.Query().Where(tag.UserID(id)).Count},
		{"custom fields", client.CustomField.Query().Where(customfield.UserID(id)).Count},
		{"labels of people", client.SubscriberTag.Query().Where(subscribertag.UserID(id)).Count},
		{"suppressions", client.Suppression.Query().Where(suppression.UserID(id)).Count},
		{"contacts", client.Contact.Query().Where(contact.UserID(id), contact.EmailKeyNotNil()).Count},
	} {
		n, err := of.count(ctx)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			left = append(left, fmt.Sprintf("%d %s", n, of.name))
		}
	}
	return left, nil
}
