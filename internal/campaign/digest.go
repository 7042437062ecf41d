package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/email"
	"campaignql/ent/segment"
	"campaignql/internal/audience/rules"
	"campaignql/internal/store"
)

// digest identifies the content that an approval covers. Each part has its own hash, so that the
// history can name the part that differs.
type digest struct {
	// emails covers the subject, preheader, sender, reply address, HTML and plain text of the email
	// and of the variations of an A/B test.
	emails string
	// resend covers the subject and preheader of the automatic second sending.
	resend string
	// audience covers the canonical audience.
	audience string
	// segments covers the rules of the segments that the audience names, directly or through other
	// segments.
	segments string
}

// digestVersion is the prefix of the stored text. A text with another prefix was stored by a newer
// server.
const digestVersion = "1"

// String returns the text that is stored in the column approved_digest.
func (d digest) String() string {
	return strings.Join([]string{digestVersion, d.emails, d.resend, d.audience, d.segments}, ":")
}

// approved returns the stored digest of the approved content. ok is false if no readable digest is
// stored; then the current content counts as approved.
func approved(c *ent.Campaign) (d digest, ok bool) {
	if c.ApprovedDigest == nil {
		return digest{}, false
	}
	parts := strings.Split(*c.ApprovedDigest, ":")
	if len(parts) != 5 || parts[0] != digestVersion {
		return digest{}, false
	}
	return digest{emails: parts[1], resend: parts[2], audience: parts[3], segments: parts[4]}, true
}

// difference describes what differs from another digest, for the history.
func (d digest) difference(other digest) string {
	var changed []string
	for _, part := range []struct {
		differs bool
		name    string
	}{
		{d.emails != other.emails, "the email changed"},
		{d.resend != other.resend, "the second sending changed"},
		{d.audience != other.audience, "the audience changed"},
		{d.audience == other.audience && d.segments != other.segments, "a segment changed"},
	} {
		if part.differs {
			changed = append(changed, part.name)
		}
	}
	return strings.Join(changed, ", ")
}

// digestColumns are the columns of a campaign that digests reads.
var digestColumns = []string{
	"id", "user_id", "email_id", "ab_test", "audience", "auto_resend_enabled", "auto_resend_subject",
	"auto_resend_preheader",
}

// digests returns, for each campaign of one account, the digest that an approval would store now.
// It runs two statements for any number of campaigns. The modifiers may lock the emails and then
// the segments.
func (s *Service) digests(
	ctx context.Context, ownerID int64, campaigns []*ent.Campaign, modifiers ...func(*sql.Selector),
) ([]digest, error) {
	var emails, lists []int64
	targets := make([]rules.Audience, len(campaigns))
	for i, c := range campaigns {
		emails = append(emails, emailsOf(c)...)
		targets[i] = audienceOf(c)
		for _, ref := range targets[i].References().Segments {
			lists = append(lists, ref.ListID)
		}
	}
	contents, err := s.contents(ctx, ownerID, emails, modifiers...)
	if err != nil {
		return nil, err
	}
	rules, err := s.rulesOf(ctx, ownerID, lists, modifiers...)
	if err != nil {
		return nil, err
	}
	out := make([]digest, len(campaigns))
	for i, c := range campaigns {
		var texts []mailed
		for _, id := range emailsOf(c) {
			texts = append(texts, contents[id].mailed)
		}
		out[i] = digest{
			emails: hash(
				texts,
			),
			resend:   hash(resendOf(c)),
			audience: hash(c.Audience),
			segments: hash(rules.reachedFrom(targets[i])),
		}
	}
	return out, nil
}

// hash returns the SHA-256 of the JSON form of a value. Equal values have equal hashes.
func hash(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // impossible: the values are texts and numbers only
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// emailsOf returns the ids of the email of a campaign and of the variations of its A/B test.
func emailsOf(c *ent.Campaign) []int64 {
	var ids []int64
	if c.EmailID != nil {
		ids = append(ids, *c.EmailID)
	}
	test, err := ParseABTest(c.AbTest)
	if err != nil || test == nil {
		return ids // an unreadable test is not sent either
	}
	for _, v := range test.Variations {
		ids = append(ids, v.EmailID)
	}
	return ids
}

// audienceOf returns the audience of a campaign. If the stored audience is unreadable, it returns
// an empty one.
func audienceOf(c *ent.Campaign) rules.Audience {
	var target rules.Audience
	if c.Audience == "" || json.Unmarshal([]byte(c.Audience), &target) != nil {
		return rules.Audience{}
	}
	return target
}

// resendOf returns the texts of the automatic second sending, or nil if it is disabled.
func resendOf(c *ent.Campaign) []string {
	if !c.AutoResendEnabled {
		return nil
	}
	return []string{c.AutoResendSubject, c.AutoResendPreheader}
}

// mailed holds the parts of an email that its recipients get. Long texts are replaced by their
// hashes.
type mailed struct {
	Subject, Preheader, FromName, FromEmail, ReplyToName, ReplyToEmail, HTML, Plain string
}

// emailContent is an email without its name, which only its owner sees.
type emailContent struct {
	mailed
	Mode                       string
	OpenTracking, LinkTracking bool
}

// contents returns the content of the emails of an account, in one statement. The database hashes
// the long texts.
func (s *Service) contents(
	ctx context.Context, ownerID int64, ids []int64, modifiers ...func(*sql.Selector),
) (map[int64]emailContent, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct {
		ID           int64  `sql:"id"`
		Subject      string `sql:"subject"`
		Preheader    string `sql:"preheader"`
		FromName     string `sql:"from_name"`
		FromEmail    string `sql:"from_email"`
		ReplyToName  string `sql:"reply_to_name"`
		ReplyToEmail string `sql:"reply_to_email"`
		Mode         string `sql:"mode"`
		OpenTracking bool   `sql:"open_tracking"`
		LinkTracking bool   `sql:"link_tracking"`
		HTML         string `sql:"html_hash"`
		Plain        string `sql:"plain_hash"`
	}
	columns := []string{
		email.FieldID, email.FieldSubject, email.FieldPreheader, email.FieldFromName, email.FieldFromEmail,
		email.FieldReplyToName, email.FieldReplyToEmail, email.FieldMode, email.FieldOpenTracking,
		email.FieldLinkTracking,
	}
	hashed := func(sel *sql.Selector) {
		sel.Select(sel.Columns(columns...)...).
			AppendSelectExprAs(sql.Expr(store.SHA256(sel.Dialect(), sel.C(email.FieldHTML))), "html_hash").
			AppendSelectExprAs(sql.Expr(store.SHA256(sel.Dialect(), sel.C(email.FieldPlain))), "plain_hash")
	}
	ids = store.Distinct(ids)
	err := s.db.Client(ctx).Email.Query().Where(email.IDIn(ids...), email.UserID(ownerID)).Order(email.ByID()).
		Modify(append([]func(*sql.Selector){hashed}, modifiers...)...).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]emailContent, len(rows))
	for _, r := range rows {
		out[r.ID] = emailContent{
			mailed: mailed{
				r.Subject, r.Preheader, r.FromName, r.FromEmail, r.ReplyToName, r.ReplyToEmail, r.HTML, r.Plain,
			},
			Mode:         r.Mode,
			OpenTracking: r.OpenTracking,
			LinkTracking: r.LinkTracking,
		}
	}
	return out, nil
}

// segmentRules maps the id of a segment to the hash of its rules and to the segments that the rules
// name.
type segmentRules map[int64]struct {
	hash  string
	names []int64
}

// rulesOf returns the rules of all segments of the lists, in one statement. Loading whole lists is
// enough because segments name only other segments of their own list.
func (s *Service) rulesOf(
	ctx context.Context, ownerID int64, lists []int64, modifiers ...func(*sql.Selector),
) (segmentRules, error) {
	if len(lists) == 0 {
		return nil, nil
	}
	query := s.db.Client(ctx).Segment.Query().
		Where(segment.UserID(ownerID), segment.ListIDIn(store.Distinct(lists)...)).Order(segment.ByID())
	query.Modify(modifiers...)
	rows, err := query.Select(segment.FieldID, segment.FieldListID, segment.FieldRules).All(ctx)
	if err != nil {
		return nil, err
	}
	out := segmentRules{}
	for _, row := range rows {
		known := out[row.ID]
		known.hash = hash(row.Rules)
		var group rules.Group
		if json.Unmarshal([]byte(row.Rules), &group) == nil { // unreadable rules name no segment
			known.names = numbers(group.References(row.ListID).Segments)
		}
		out[row.ID] = known
	}
	return out, nil
}

// reachedFrom returns the segments that an audience names, directly or through other segments, each
// with the hash of its rules, in the order of their ids.
func (r segmentRules) reachedFrom(target rules.Audience) []string {
	reached := map[int64]bool{}
	for next := numbers(target.References().Segments); len(next) > 0; next = next[1:] {
		if !reached[next[0]] {
			reached[next[0]] = true
			next = append(next, r[next[0]].names...)
		}
	}
	var out []string
	for id := range reached {
		out = append(out, fmt.Sprintf("%020d %s", id, r[id].hash))
	}
	slices.Sort(out)
	return out
}
