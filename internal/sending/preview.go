package sending

import (
	"context"
	"strconv"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/subscriber"
	"campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Preview is an email that is sent to one address, with the values of a person on a list.
type Preview struct {
	EmailID int64
	To      string
	// ListID is the list of the person whose values the tags get, or nil: whoever has the address To,
	// else the first one who is subscribed. Without such a person the tags of a person are empty.
	ListID *int64
	// CampaignID is the campaign whose values the tags get, or nil.
	CampaignID *int64
}

// SendPreview sends an email to one address (legacy Email.EmailPreview), as SendTest does and with its
// errors. All faults of the input are returned together; a list or campaign of another account than
// the email's is NotFound. If the mail server does not accept the message, the error is Conflict,
// reason apperr.ReasonNotAccepted, with the server's words.
func (s *Service) SendPreview(ctx context.Context, p Preview) error {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	found, err := s.previewed(ctx, p)
	if err != nil {
		return err
	}
	to := []address.Address{found.to}
	if err := s.mayTest(ctx, id, found.email.UserID, to); err != nil {
		return err
	}
	t, err := s.prepareTest(ctx, found.email, found.campaign, found.subscriberID)
	if err != nil {
		return err
	}
	if found.list != nil {
		t.as.list, t.as.listName = found.list.ID, found.list.Name
	}
	if err := s.tests.take(found.email.UserID, 1, time.Now()); err != nil {
		return err
	}
	if outcome := t.send(ctx, to)[0]; !outcome.Accepted {
		return notAccepted(outcome)
	}
	return nil
}

// previewed is what a Preview names.
type previewed struct {
	email        *ent.Email
	to           address.Address
	list         *ent.SubscriberList
	campaign     *ent.Campaign
	subscriberID int64
}

func (s *Service) previewed(ctx context.Context, p Preview) (*previewed, error) {
	var faults apperr.Faults
	found := &previewed{}
	var err error
	if found.email, err = s.email(ctx, p.EmailID); err != nil {
		faults.Add(err)
	}
	if found.to, err = address.Parse(p.To); err != nil {
		faults.Add(apperr.InvalidField("to", apperr.ReasonEmailAddressInvalid, "%v", err))
	}
	if found.email == nil {
		return nil, faults.Err() // there is no account whose list and campaign they could be
	}
	if p.ListID != nil {
		found.list, err = s.db.Client(ctx).SubscriberList.Query().
			Where(subscriberlist.ID(*p.ListID), subscriberlist.UserID(found.email.UserID)).
			Select(subscriberlist.FieldID, subscriberlist.FieldName).Only(ctx)
		if ent.IsNotFound(err) {
			err = notFound("listId", apperr.ReasonListNotFound, "list not found")
		}
		faults.Add(store.Translate(err))
	}
	if p.CampaignID != nil {
		found.campaign, err = s.db.Client(ctx).Campaign.Query().
			Where(entcampaign.ID(*p.CampaignID), entcampaign.UserID(found.email.UserID)).
			Select(entcampaign.FieldID).Only(ctx)
		if ent.IsNotFound(err) {
			err = notFound("campaignId", apperr.ReasonCampaignNotFound, "campaign not found")
		}
		faults.Add(store.Translate(err))
	}
	if err := faults.Err(); err != nil || found.list == nil {
		return found, err
	}
	found.subscriberID, err = s.someoneOn(ctx, found.list.ID, found.to)
	return found, err
}

// someoneOn returns the subscription of an address to a list, else the first one that is subscribed,
// else 0.
func (s *Service) someoneOn(ctx context.Context, listID int64, to address.Address) (int64, error) {
	on := s.db.Client(ctx).Subscriber.Query().Where(subscriber.ListID(listID))
	id, err := on.Clone().Where(subscriber.EmailKey(to.Key)).FirstID(ctx)
	if ent.IsNotFound(err) {
		id, err = on.Where(subscriber.StatusEQ(kind.SubscriberSubscribed)).Order(subscriber.ByID()).FirstID(ctx)
	}
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return id, store.Translate(err)
}

// notAccepted returns the error for a message that the mail server did not accept.
func notAccepted(o TestOutcome) error {
	text := o.Text
	if o.Enhanced != "" {
		text = o.Enhanced + " " + text
	}
	if o.ReplyCode != 0 {
		text = strconv.FormatInt(o.ReplyCode, 10) + " " + text
	}
	return &apperr.Error{Code: apperr.Conflict, Field: "to", Reason: apperr.ReasonNotAccepted, Message: text}
}
