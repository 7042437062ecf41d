package sending

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/customfield"
	"campaignql/ent/runcontent"
	"campaignql/ent/user"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/message"
	"campaignql/internal/people/address"
	"campaignql/internal/schedule"
)

// keptContents is how many runs have their compiled contents in memory.
const keptContents = 32

// content is a compiled content of a run.
type content struct {
	number, variation, weight int
	// domain is that of the sender's address.
	domain   string
	compiled *message.Content
	needs    message.Needs
}

// prepared is all that the messages of a run share.
type prepared struct {
	run      run
	contents []*content // those of the run's epoch, in the order of their variations
	weights  uint64
	shared   message.Values
	zone     *time.Location
}

// contents are the compiled contents of runs, by run and epoch.
type contents struct {
	*Service
	mutex sync.Mutex
	kept  *lru.Cache[run, *prepared]
}

func newContents(s *Service) *contents {
	kept, _ := lru.New[run, *prepared](keptContents) // fails only for a size below 1
	return &contents{Service: s, kept: kept}
}

// rows returns the contents of a run in the order of their numbers.
func (c *contents) rows(ctx context.Context, runID int64) ([]*ent.RunContent, error) {
	return c.db.Client(ctx).RunContent.Query().Where(runcontent.RunID(runID)).
		Order(runcontent.ByNumber()).All(ctx)
}

// of returns what the messages of a run share.
func (c *contents) of(ctx context.Context, r run) (*prepared, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if p, ok := c.kept.Get(r); ok {
		return p, nil
	}
	p, err := c.prepare(ctx, r)
	if err == nil {
		c.kept.Add(r, p)
	}
	return p, err
}

func (c *contents) prepare(ctx context.Context, r run) (*prepared, error) {
	all, err := c.rows(ctx, r.id)
	if err != nil {
		return nil, err
	}
	fields, err := c.fields(ctx, r.owner)
	if err != nil {
		return nil, err
	}
	p := &prepared{run: r}
	for _, row := range latestContents(all) {
		compiled, _ := message.Compile(sourceOfContent(row), message.Options{Fields: fields})
		domain := ""
		if from, err := address.Parse(row.FromEmail); err == nil {
			domain = from.Domain
		}
		p.contents = append(p.contents, &content{
			number: row.Number, variation: row.Variation, weight: row.Weight, domain: domain,
			compiled: compiled, needs: compiled.Needs(),
		})
		p.weights += uint64(row.Weight)
	}
	if len(p.contents) == 0 {
		return nil, fmt.Errorf("run %d has no content", r.id)
	}
	return p, c.share(ctx, p)
}

// share reads the values of the account and the campaign.
func (c *contents) share(ctx context.Context, p *prepared) error {
	owner, err := c.db.Client(ctx).User.Query().Where(user.ID(p.run.owner)).
		Select(user.FieldFirstName, user.FieldLastName, user.FieldEmail, user.FieldTimeZone).Only(ctx)
	if err != nil {
		return err
	}
	if p.zone, err = schedule.ParseZone(owner.TimeZone); err != nil {
		p.zone = time.UTC
	}
	p.shared[message.UserFirstName] = owner.FirstName
	p.shared[message.UserLastName] = owner.LastName
	p.shared[message.UserEmailAddress] = owner.Email
	p.shared[message.UserTimeZone] = owner.TimeZone
	if p.run.campaign == 0 {
		return nil // a test of an email alone
	}
	campaign, err := c.db.Client(ctx).Campaign.Query().Where(entcampaign.ID(p.run.campaign)).
		Select(entcampaign.FieldName).Only(ctx)
	if err != nil {
		return err
	}
	p.shared[message.CampaignID] = strconv.FormatInt(p.run.campaign, 10)
	p.shared[message.CampaignName] = campaign.Name
	return nil
}

// fields returns the custom fields of an account, which tags can name.
func (c *contents) fields(ctx context.Context, ownerID int64) (*message.Fields, error) {
	rows, err := c.db.Client(ctx).CustomField.Query().Where(customfield.UserID(ownerID)).
		Select(customfield.FieldID, customfield.FieldName).Order(customfield.ByID()).All(ctx)
	fields := new(message.Fields)
	for _, row := range rows {
		fields.Add(row.ID, row.Name)
	}
	return fields, err
}

// problems returns what is wrong with an email.
func (c *contents) problems(ctx context.Context, ownerID int64, e *ent.Email) ([]message.Problem, error) {
	fields, err := c.fields(ctx, ownerID)
	if err != nil {
		return nil, err
	}
	_, problems := message.Compile(sourceOfEmail(e), message.Options{Fields: fields})
	return problems, nil
}

func sourceOfEmail(e *ent.Email) message.Source {
	return message.Source{
		FromName: e.FromName, FromEmail: e.FromEmail, ReplyToName: e.ReplyToName, ReplyToEmail: e.ReplyToEmail,
		Subject: e.Subject, Preheader: e.Preheader, HTML: e.HTML, Plain: e.Plain,
	}
}

func sourceOfContent(c *ent.RunContent) message.Source {
	return message.Source{
		FromName: c.FromName, FromEmail: c.FromEmail, ReplyToName: c.ReplyToName, ReplyToEmail: c.ReplyToEmail,
		Subject: c.Subject, Preheader: c.Preheader, HTML: c.HTML, Plain: c.Plain,
	}
}

// choose returns the content that a contact gets. With an A/B test, the variation depends on the run
// and the contact alone, so that every attempt has the same one.
func (c *contents) choose(ctx context.Context, r run, contact int64) (*content, error) {
	p, err := c.of(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(p.contents) == 1 {
		return p.contents[0], nil
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%d", r.id, contact)
	at := h.Sum64() % p.weights
	for _, content := range p.contents {
		if at < uint64(content.weight) {
			return content, nil
		}
		at -= uint64(content.weight)
	}
	return p.contents[len(p.contents)-1], nil
}

// message writes the message of a recipient into a buffer.
func (s *Service) message(
	buf *bytes.Buffer, p *prepared, to *recipient, fields map[int64]string, now time.Time,
) (mailer.Message, error) {
	r := p.run
	shared := p.shared
	shared[message.ListID] = strconv.FormatInt(to.list, 10)
	shared[message.ListName] = to.listName
	envelope := message.Envelope{
		// The same in every attempt, so that a second copy can be recognized.
		MessageID:      fmt.Sprintf("run%d.%d@%s", r.id, to.contact, to.content.domain),
		Date:           now.In(p.zone),
		UnsubscribeURL: s.UnsubscribeURL(r.id, to.contact),
		ListID:         fmt.Sprintf("%d.lists.%s", to.list, to.content.domain),
		FeedbackID:     fmt.Sprintf("%d:%d:campaign:campaignql", r.campaign, r.owner),
	}
	written, err := to.content.compiled.Write(buf, &envelope, &shared, &message.Recipient{
		Address: to.address, Values: to.values(p.zone), Fields: fields,
	})
	if err != nil {
		return mailer.Message{}, err
	}
	return mailer.Message{From: written.From, To: written.To, Body: buf.Bytes(), UTF8: written.UTF8}, nil
}

// values returns the values of a recipient for tags.
func (r *recipient) values(zone *time.Location) *message.Values {
	day := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.In(zone).Format("2006-01-02 15:04:05")
	}
	values := new(message.Values)
	for _, need := range r.content.needs.Values {
		switch need {
		case message.SubscriberID:
			values[need] = strconv.FormatInt(r.subscriber, 10)
		case message.SubscriberStatus:
			values[need] = legacyStatus(r.status)
		case message.SubscriberSubscriptionDate:
			values[need] = day(r.subscribed.Time)
		case message.SubscriberOptInDate:
			values[need] = day(r.optedIn.Time)
		case message.SubscriberSubscriptionIP:
			values[need] = r.ip
		}
	}
	return values
}

func legacyStatus(status kind.SubscriberStatus) string {
	text := string(status)
	return strings.ToUpper(text[:1]) + text[1:]
}
