package graph

import (
	"context"
	"maps"

	"campaignql/ent"
	"campaignql/graph/model"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/sending"
)

// runFields says what the fields of a run read.
var runFields = columnsOf("CampaignRun", fields{
	"hold": {columns: []string{"hold_code"}, below: fields{
		"code": reads("hold_code"), "text": reads("hold_text"), "until": reads("hold_until"),
	}},
	"counts":          holds(columnsOf("RunCounts", fields{"id": reads("id")})),
	"pace":            reads("id", "phase", "pending", "begun", "deferred"),
	"estimatedFinish": reads("id", "phase", "pending", "begun", "deferred"),
	"problems":        reads("id"),
	"recipients":      reads("id", "total", "pending", "begun", "deferred", "sent", "failed", "unknown", "skipped"),
})

// recipientFields says what the fields of a recipient read. It has no id.
var recipientFields = func() fields {
	read := columnsOf("Recipient", fields{
		"contact":        reads("contact_id"),
		"emailAddress":   reads("contact_id"),
		"skippedBecause": reads("skipped"),
		"attempts":       reads("attempts"),
		"code":           reads("reply_code"),
		"enhancedCode":   reads("enhanced_code"),
		"reply":          reads("reply"),
	})
	maps.DeleteFunc(read, func(name string, _ field) bool { return name == "id" })
	return read
}()

// shownRun returns nil for nil.
func shownRun(row *ent.CampaignRun) *model.CampaignRun {
	if row == nil {
		return nil
	}
	return &model.CampaignRun{CampaignRun: row}
}

func (r campaignResolver) Run(ctx context.Context, campaigns []*model.Campaign) ([]*model.CampaignRun, error) {
	ids := idsOf(campaigns, (*model.Campaign).Number)
	latest, err := r.Sending.LatestRuns(ctx, ids, selected(ctx, runFields, itself).columns()...)
	if err != nil {
		return nil, err
	}
	return mapped(campaigns, func(c *model.Campaign) *model.CampaignRun { return shownRun(latest[c.ID]) }), nil
}

func (r campaignResolver) Runs(
	ctx context.Context, campaigns []*model.Campaign, first *int32, after *string, last *int32, before *string,
) ([]*model.CampaignRunConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	if err := sending.PlanRuns(request); err != nil {
		return nil, err
	}
	ids := idsOf(campaigns, (*model.Campaign).Number)
	columns := selected(ctx, runFields, connection).columns()
	return pagesBelow(ctx, campaigns,
		func() (map[int64]int, error) { return r.Sending.CountRuns(ctx, ids) },
		func() (map[int64]page.Result[*ent.CampaignRun], error) {
			return r.Sending.RunsOf(ctx, ids, request, columns...)
		},
		func(runs []*ent.CampaignRun) []*model.CampaignRun { return mapped(runs, shownRun) })
}

func (r runResolver) Problems(
	ctx context.Context, runs []*model.CampaignRun,
) ([][]*model.RecipientProblem, error) {
	found, err := r.Sending.Problems(ctx, idsOf(runs, (*model.CampaignRun).Number))
	if err != nil {
		return nil, err
	}
	return mapped(runs, func(run *model.CampaignRun) []*model.RecipientProblem {
		return mapped(found[run.ID], func(p *sending.Problem) *model.RecipientProblem {
			return (*model.RecipientProblem)(p)
		})
	}), nil
}

// Recipients counts the recipients by the numbers in the rows of the runs, unless they are narrowed
// further.
func (r runResolver) Recipients(
	ctx context.Context, runs []*model.CampaignRun, state *kind.RecipientState, code, search *string, first *int32,
	after *string, last *int32, before *string,
) ([]*model.RecipientConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	filter := sending.RecipientFilter{State: state, Code: value(code), Search: value(search)}
	if err := sending.PlanRecipients(filter, request); err != nil {
		return nil, err
	}
	ids := idsOf(runs, (*model.CampaignRun).Number)
	return pagesBelow(ctx, runs,
		func() (map[int64]int, error) {
			if filter.Counted() {
				return r.Sending.CountRecipients(ctx, ids, filter)
			}
			counts := make(map[int64]int, len(runs))
			for _, run := range runs {
				counts[run.ID] = run.CountOf(state)
			}
			return counts, nil
		},
		func() (map[int64]page.Result[*ent.RunRecipient], error) {
			columns := selected(ctx, recipientFields, connection).sums()
			return r.Sending.Recipients(ctx, ids, filter, request, columns...)
		},
		func(rows []*ent.RunRecipient) []*model.Recipient {
			return mapped(rows, func(row *ent.RunRecipient) *model.Recipient { return &model.Recipient{RunRecipient: row} })
		})
}

func (r recipientResolver) Contact(ctx context.Context, recipients []*model.Recipient) ([]*model.Contact, error) {
	return r.contactsOf(ctx, recipients, selected(ctx, contactFields, itself).columns())
}

func (r recipientResolver) EmailAddress(ctx context.Context, recipients []*model.Recipient) ([]*string, error) {
	contacts, err := r.contactsOf(ctx, recipients, []string{"id", "email"})
	if err != nil {
		return nil, err
	}
	return mapped(contacts, func(c *model.Contact) *string {
		if c == nil {
			return nil
		}
		return c.Address()
	}), nil
}

func (r recipientResolver) contactsOf(
	ctx context.Context, recipients []*model.Recipient, columns []string,
) ([]*model.Contact, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	ids := mapped(recipients, func(r *model.Recipient) int64 { return r.ContactID })
	rows, err := l.contacts.Load(ctx, ids, columns)
	return mapped(rows, shownContact), err
}
