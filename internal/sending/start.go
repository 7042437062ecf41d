package sending

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// startedAtOnce is how many campaigns one look for due ones starts.
const startedAtOnce = 100

// startDue starts the campaigns that are due. If the installation cannot send, it starts none.
func (s *Service) startDue(ctx context.Context) error {
	if len(s.Missing()) > 0 {
		return nil
	}
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	ids, err := s.Campaigns.Due(ctx, now, startedAtOnce)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		err := s.Campaigns.Start(ctx, id, campaign.Start{
			Now: now, MaxLateness: s.MaxLateness, Check: s.check,
			Begin: func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) error {
				return s.begin(ctx, c, emails, now)
			},
		})
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("start campaign %d: %w", id, cause(err)))
		}
	}
	return failed
}

// check returns what is wrong with the contents of a campaign.
func (s *Service) check(ctx context.Context, c *ent.Campaign, emails []*ent.Email) ([]campaign.Gap, error) {
	var gaps []campaign.Gap
	for _, email := range emails {
		if email == nil {
			continue
		}
		problems, err := s.contents.problems(ctx, c.UserID, email)
		if err != nil {
			return nil, err
		}
		for _, problem := range problems {
			gaps = append(gaps, campaign.Gap{Code: "CONTENT", Message: problem.String()})
		}
	}
	return gaps, nil
}

// begin makes a run for a campaign that starts, or goes on with its open one.
func (s *Service) begin(ctx context.Context, c *ent.Campaign, emails []*ent.Email, now time.Time) error {
	last, err := s.latest(ctx, c.ID)
	if err != nil {
		return err
	}
	if last != nil && slices.Contains(open, last.Phase) {
		return s.resume(ctx, last, c, emails)
	}
	instance := 1
	if last != nil {
		instance = last.Instance + 1
	}
	r, err := s.db.Client(ctx).CampaignRun.Create().
		SetUserID(c.UserID).SetCampaignID(c.ID).SetInstance(instance).SetAudience(c.Audience).
		SetResolvedAt(now).SetStartedAt(now).SetContents(len(emails)).
		Save(ctx)
	if err != nil {
		return err
	}
	return s.addContents(ctx, r, 1, c, emails)
}

// resume goes on with a run under the next epoch, and with the present texts if they have changed.
func (s *Service) resume(ctx context.Context, r *ent.CampaignRun, c *ent.Campaign, emails []*ent.Email) error {
	update := s.db.Client(ctx).CampaignRun.UpdateOne(r).AddEpoch(1).
		SetHoldCode("").SetHoldText("").ClearHoldUntil()
	stored, err := s.contents.rows(ctx, r.ID)
	if err != nil {
		return err
	}
	changed := !slices.EqualFunc(latestContents(stored), emails, sameTexts)
	if changed {
		update.AddContents(len(emails))
	}
	if err := update.Exec(ctx); err != nil || !changed {
		return err
	}
	r.Epoch++
	return s.addContents(ctx, r, r.Contents+1, c, emails)
}

// latestContents returns the contents of the highest epoch, in the order of their variations.
func latestContents(all []*ent.RunContent) []*ent.RunContent {
	var last []*ent.RunContent
	for _, content := range all { // by number, so by epoch
		if len(last) > 0 && last[0].Epoch < content.Epoch {
			last = nil
		}
		last = append(last, content)
	}
	return last
}

func sameTexts(a *ent.RunContent, b *ent.Email) bool {
	return a.EmailID == b.ID && sourceOfContent(a) == sourceOfEmail(b)
}

// maxShare is the sum of the weights of the contents of a run.
const maxShare = 1_000_000

// addContents writes down the emails of a campaign as the run sends them, from the number first on.
func (s *Service) addContents(
	ctx context.Context, r *ent.CampaignRun, first int, c *ent.Campaign, emails []*ent.Email,
) error {
	shares := []float64{1}
	test, err := campaign.ParseABTest(c.AbTest)
	if err != nil {
		return err
	}
	if test != nil {
		shares = test.Shares()
	}
	rows := make([]*ent.RunContentCreate, len(emails))
	for i, email := range emails {
		rows[i] = s.db.Client(ctx).RunContent.Create().
			SetUserID(r.UserID).SetRunID(r.ID).SetNumber(first + i).SetEpoch(r.Epoch).SetEmailID(email.ID).
			SetWeight(max(1, int(math.Round(shares[i]*maxShare)))).
			SetSubject(email.Subject).SetPreheader(email.Preheader).
			SetFromName(email.FromName).SetFromEmail(email.FromEmail).
			SetReplyToName(email.ReplyToName).SetReplyToEmail(email.ReplyToEmail).
			SetHTML(email.HTML).SetPlain(email.Plain)
		if test != nil {
			rows[i].SetVariation(i + 1)
		}
	}
	return s.db.Client(ctx).RunContent.CreateBulk(rows...).Exec(ctx)
}

// held notes why nothing of the runs is sent at present, or that something is. It writes only what
// changes.
func (s *Service) held(ctx context.Context, runs []*ent.CampaignRun, code, text string, until *time.Time) error {
	for _, r := range runs {
		if r.Phase != kind.RunSending || r.HoldCode == code && r.HoldText == kind.Cut(text, maxReply) {
			continue
		}
		update := s.db.Client(ctx).CampaignRun.UpdateOne(r).SetHoldCode(code).SetHoldText(kind.Cut(text, maxReply))
		if until == nil {
			update.ClearHoldUntil()
		} else {
			update.SetHoldUntil(*until)
		}
		if err := update.Exec(ctx); err != nil && !ent.IsNotFound(err) {
			return err
		}
	}
	return nil
}
