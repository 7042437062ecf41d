package sending

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/email"
	"campaignql/ent/subscriber"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/message"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

const (
	// MaxTestAddresses is the number of addresses of one test.
	MaxTestAddresses = 10
	// testMark is put before the subject of a test.
	testMark = "[Test] "
	// testTime is the longest time of a test.
	testTime = 20 * time.Second
	// testsAnHour is how many messages of tests an account sends within an hour through one server.
	testsAnHour = 100
	// limitedAccounts is of how many accounts the tests are remembered.
	limitedAccounts = 10_000
)

// Test is an email that is sent to see it.
type Test struct {
	// EmailID or CampaignID says which email; the other is 0. Of a campaign with an A/B test it is the
	// first.
	EmailID, CampaignID int64
	// To are 1 to MaxTestAddresses addresses.
	To []string
	// SubscriberID is the person whose values the tags get, or 0.
	SubscriberID int64
}

// TestOutcome is what became of the message to one address.
type TestOutcome struct {
	EmailAddress string
	Accepted     bool
	// ReplyCode is 0, and Enhanced and Text are empty, where there is none.
	ReplyCode      int64
	Enhanced, Text string
}

// SendTest sends an email to a few addresses and returns what became of each message, in the order of
// the addresses. The subject is marked, and nothing is counted or stored. The account must be one for
// which the server sends; otherwise the error is Conflict, reason apperr.ReasonNotSentHere. What is missing to send the
// email is Conflict, reason apperr.ReasonNotReady. An account that needs approval can send only to its
// own address; otherwise the error is Denied. An account that sends more than testsAnHour is Limited.
func (s *Service) SendTest(ctx context.Context, test Test) ([]TestOutcome, error) {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	to, err := test.validate()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	e, c, err := s.tested(ctx, test)
	if err != nil {
		return nil, err
	}
	if err := s.mayTest(ctx, id, e.UserID, to); err != nil {
		return nil, err
	}
	t, err := s.prepareTest(ctx, e, c, test.SubscriberID)
	if err != nil {
		return nil, err
	}
	if err := s.tests.take(e.UserID, len(to), time.Now()); err != nil {
		return nil, err
	}
	return t.send(ctx, to), nil
}

func (t Test) validate() ([]address.Address, error) {
	var faults apperr.Faults
	if (t.EmailID == 0) == (t.CampaignID == 0) {
		faults.Add(apperr.InvalidField("emailId", apperr.ReasonValueInvalid, "give either emailId or campaignId"))
	}
	if len(t.To) == 0 || len(t.To) > MaxTestAddresses {
		faults.Add(apperr.InvalidField("to", apperr.ReasonTooManyAddresses, "1 to %d addresses are allowed", MaxTestAddresses))
		return nil, faults.Err()
	}
	to := make([]address.Address, len(t.To))
	for i, given := range t.To {
		var err error
		if to[i], err = address.Parse(given); err != nil {
			faults.Add(apperr.InvalidField("to["+strconv.Itoa(i)+"]", apperr.ReasonEmailAddressInvalid, "%v", err))
		}
	}
	return to, faults.Err()
}

// tested returns the email of a test, and the campaign if the test names one.
func (s *Service) tested(ctx context.Context, test Test) (*ent.Email, *ent.Campaign, error) {
	var c *ent.Campaign
	emailID := test.EmailID
	if test.CampaignID != 0 {
		var err error
		c, err = s.db.Client(ctx).Campaign.Query().Where(entcampaign.ID(test.CampaignID)).
			Select(entcampaign.FieldID, entcampaign.FieldUserID, entcampaign.FieldEmailID, entcampaign.FieldAbTest).
			Only(ctx)
		if ent.IsNotFound(err) {
			return nil, nil, notFound("campaignId", apperr.ReasonCampaignNotFound, "campaign not found")
		}
		if err != nil {
			return nil, nil, store.Translate(err)
		}
		if emailID = firstEmail(c); emailID == 0 {
			return nil, nil, notReady("campaignId", "it has no email")
		}
	}
	e, err := s.email(ctx, emailID)
	return e, c, err
}

func (s *Service) email(ctx context.Context, id int64) (*ent.Email, error) {
	e, err := s.db.Client(ctx).Email.Query().Where(email.ID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, notFound("emailId", apperr.ReasonEmailNotFound, "email not found")
	}
	return e, store.Translate(err)
}

// firstEmail returns the email of a campaign, the first of those of an A/B test, or 0.
func firstEmail(c *ent.Campaign) int64 {
	for _, id := range campaign.ContentOf(c) {
		if id != 0 {
			return id
		}
	}
	return 0
}

func notFound(field string, reason apperr.Reason, text string) error {
	return &apperr.Error{Code: apperr.NotFound, Field: field, Reason: reason, Message: text}
}

func notReady(field, text string) error {
	return &apperr.Error{Code: apperr.Conflict, Field: field, Reason: apperr.ReasonNotReady, Message: text}
}

// mayTest returns why the caller may not send tests of an account to these addresses, or nil.
func (s *Service) mayTest(ctx context.Context, id caller.Identity, ownerID int64, to []address.Address) error {
	owner, err := s.db.Client(ctx).User.Query().Where(user.ID(ownerID)).Select(user.FieldSender, user.FieldEmail).Only(ctx)
	if err != nil {
		return store.Translate(err)
	}
	if owner.Sender != kind.SenderBuiltIn {
		return &apperr.Error{
			Code: apperr.Conflict, Reason: apperr.ReasonNotSentHere, Message: "the server does not send for this account",
		}
	}
	if gaps := s.Missing(); len(gaps) > 0 {
		return notReady("", gaps[0].Message)
	}
	if id.SeesAll() || id.Reputation == kind.ReputationTrusted {
		return nil
	}
	own, err := address.Parse(owner.Email)
	for _, other := range to {
		if err != nil || other.Key != own.Key {
			return &apperr.Error{
				Code: apperr.Denied, Reason: apperr.ReasonApprovalRequired,
				Message: "an account that needs approval can send tests to its own address alone",
			}
		}
	}
	return nil
}

// preparedTest is a test that is ready to be sent.
type preparedTest struct {
	*Service
	p      *prepared
	as     recipient
	fields map[int64]string
	now    time.Time
}

func (s *Service) prepareTest(
	ctx context.Context, e *ent.Email, c *ent.Campaign, subscriberID int64,
) (*preparedTest, error) {
	fields, err := s.contents.fields(ctx, e.UserID)
	if err != nil {
		return nil, store.Translate(err)
	}
	source := sourceOfEmail(e)
	source.Subject = testMark + source.Subject
	compiled, problems := message.Compile(source, message.Options{Fields: fields})
	if len(problems) > 0 {
		texts := make([]string, len(problems))
		for i, problem := range problems {
			texts[i] = problem.String()
		}
		return nil, notReady("", strings.Join(texts, "; "))
	}
	from, err := address.Parse(e.FromEmail)
	if err != nil {
		return nil, notReady("", "it has no sender address")
	}
	t := &preparedTest{Service: s, p: &prepared{run: run{owner: e.UserID}}}
	t.as.content = &content{compiled: compiled, needs: compiled.Needs(), domain: from.Domain}
	if c != nil {
		t.p.run.campaign = c.ID
	}
	if err := s.contents.share(ctx, t.p); err != nil {
		return nil, store.Translate(err)
	}
	if t.now, err = s.now(ctx); err != nil {
		return nil, store.Translate(err)
	}
	return t, t.readPerson(ctx, subscriberID)
}

// readPerson reads the values of the person for the tags, unless the id is 0.
func (t *preparedTest) readPerson(ctx context.Context, id int64) error {
	if id == 0 {
		t.as.status = kind.SubscriberSubscribed
		return nil
	}
	row, err := t.db.Client(ctx).Subscriber.Query().
		Where(subscriber.ID(id), subscriber.UserID(t.p.run.owner)).Only(ctx)
	if ent.IsNotFound(err) {
		return notFound("subscriberId", apperr.ReasonSubscriberNotFound, "subscriber not found")
	}
	if err != nil {
		return store.Translate(err)
	}
	l, err := t.db.Client(ctx).SubscriberList.Query().Where(subscriberlist.ID(row.ListID)).
		Select(subscriberlist.FieldName).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return store.Translate(err)
	}
	if l != nil {
		t.as.listName = l.Name
	}
	t.as.subscriber, t.as.list, t.as.status, t.as.ip = row.ID, row.ListID, row.Status, row.SubscriptionIP
	if row.SubscribedAt != nil {
		t.as.subscribed.Time = *row.SubscribedAt
	}
	if row.OptedInAt != nil {
		t.as.optedIn.Time = *row.OptedInAt
	}
	values, err := t.values(ctx, []recipient{t.as})
	t.fields = values[row.ID]
	return store.Translate(err)
}

// write writes the message to an address.
func (t *preparedTest) write(buf *bytes.Buffer, to address.Address) (mailer.Message, error) {
	shared := t.p.shared
	shared[message.ListID] = strconv.FormatInt(t.as.list, 10)
	shared[message.ListName] = t.as.listName
	written, err := t.as.content.compiled.Write(buf, &message.Envelope{
		MessageID: fmt.Sprintf("test.%s@%s", uuid.NewString(), t.as.content.domain),
		Date:      t.now.In(t.p.zone),
		// No run and no contact have the number 0: the link leads nowhere.
		UnsubscribeURL: t.UnsubscribeURL(0, 0),
	}, &shared, &message.Recipient{Address: to, Values: t.as.values(t.p.zone), Fields: t.fields})
	if err != nil {
		return mailer.Message{}, err
	}
	return mailer.Message{From: written.From, To: written.To, Body: buf.Bytes(), UTF8: written.UTF8}, nil
}

// send hands the messages over, one connection after the other as far as they are needed.
func (t *preparedTest) send(ctx context.Context, to []address.Address) []TestOutcome {
	outcomes := make([]TestOutcome, len(to))
	for i := range to {
		outcomes[i] = TestOutcome{EmailAddress: to[i].Text, Text: "not tried: " + errNoConnection.Error()}
	}
	for next := 0; next < len(to); {
		conn, err := mailer.Dial(ctx, *t.Route)
		if err != nil {
			for i := next; i < len(to); i++ {
				outcomes[i].fault(err)
			}
			break
		}
		done := 0
		err = conn.Deliver(ctx, mailer.Burst{
			Count:   min(len(to)-next, conn.MessagesLeft()),
			Message: func(i int) (mailer.Message, error) { return t.write(new(bytes.Buffer), to[next+i]) },
			Done:    func(i int, o mailer.Outcome) { outcomes[next+i].set(o); done++ },
		})
		conn.Close()
		if next += done; err != nil || done == 0 {
			break
		}
	}
	return outcomes
}

var errNoConnection = errors.New("the connection to the mail server ended before")

// set notes the outcome of a message.
func (o *TestOutcome) set(of mailer.Outcome) {
	o.Accepted = of.Kind == mailer.Accepted
	o.ReplyCode, o.Enhanced, o.Text = int64(of.Code), of.Enhanced, of.Text
	if o.Text == "" && of.Err != nil {
		o.Text = of.Err.Error()
	}
}

// fault notes that no connection could be opened.
func (o *TestOutcome) fault(err error) {
	o.Text = err.Error()
	if f := new(mailer.Fault); errors.As(err, &f) {
		o.ReplyCode, o.Enhanced, o.Text = int64(f.Code), f.Enhanced, f.Error()
	}
}

// testLimit limits the messages of tests of each account.
type testLimit struct {
	mutex sync.Mutex
	sent  *lru.Cache[int64, []time.Time]
}

func newTestLimit() *testLimit {
	sent, _ := lru.New[int64, []time.Time](limitedAccounts) // fails only for a size below 1
	return &testLimit{sent: sent}
}

// take notes that an account sends n messages now, or returns a Limited error.
func (l *testLimit) take(account int64, n int, now time.Time) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	all, _ := l.sent.Get(account)
	for len(all) > 0 && now.Sub(all[0]) >= time.Hour {
		all = all[1:]
	}
	if over := len(all) + n - testsAnHour; over > 0 {
		return &apperr.Error{
			Code: apperr.Limited, RetryAfter: all[over-1].Add(time.Hour).Sub(now),
			Message: fmt.Sprintf("an account can send %d tests an hour", testsAnHour),
		}
	}
	for range n {
		all = append(all, now)
	}
	l.sent.Add(account, all)
	return nil
}
