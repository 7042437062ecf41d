package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/page"
)

var emailFields = columnsOf("Email", fields{"campaigns": reads("id")})

func (r queryResolver) Email(ctx context.Context, id string) (*ent.Email, error) {
	number, err := identify(gid.Email, "id", id)
	if err != nil {
		return nil, err
	}
	return r.emailByID(ctx, number)
}

func (r *resolver) emailByID(ctx context.Context, id int64) (*ent.Email, error) {
	e, err := r.Emails.Get(ctx, id, selected(ctx, emailFields, itself).columns()...)
	return e, absent(err)
}

func (r queryResolver) Emails(
	ctx context.Context, search *string, orderBy *model.EmailOrder, first *int32, after *string, last *int32,
	before *string,
) (*model.EmailConnection, error) {
	filter := content.Filter{Search: value(search)}
	shown := &model.EmailConnection{
		Count: func(ctx context.Context) (int, error) { return r.resolver.Emails.Count(ctx, filter) },
	}
	order, request := emailOrder(orderBy), pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		_, err := order.Plan(request)
		return shown, err
	}
	columns := selected(ctx, emailFields, connection).columns()
	var err error
	shown.Result, err = r.resolver.Emails.List(ctx, filter, order, request, columns...)
	return shown, err
}

func emailOrder(by *model.EmailOrder) content.Order {
	order := content.ByCreated
	if by == nil {
		order.Desc = true
		return order
	}
	switch by.Field {
	case model.EmailOrderFieldName:
		order = content.ByName
	case model.EmailOrderFieldUpdatedAt:
		order = content.ByUpdated
	case model.EmailOrderFieldCreatedAt:
	}
	order.Desc = value(given(by.Direction)) == model.OrderDirectionDesc
	return order
}

func (r emailResolver) ID(_ context.Context, e *ent.Email) (string, error) {
	return gid.Encode(gid.Email, e.ID), nil
}

func (r emailResolver) Campaigns(
	ctx context.Context, emails []*ent.Email, first *int32, after *string, last *int32, before *string,
) ([]*model.CampaignConnection, error) {
	number := func(e *ent.Email) int64 { return e.ID }
	ids := idsOf(emails, number)
	return r.campaignsBelow(ctx, mapped(emails, number), pageRequest(first, after, last, before, nil),
		func() (map[int64]int, error) { return r.resolver.Campaigns.EmailCounts(ctx, ids) },
		func(request page.Request, columns ...string) (campaign.Pages, error) {
			return r.resolver.Campaigns.OfEmails(ctx, ids, request, columns...)
		})
}

func (r mutationResolver) CreateEmail(
	ctx context.Context, input model.CreateEmailInput,
) (*model.CreateEmailPayload, error) {
	e, err := r.Emails.Create(ctx, content.Patch{
		Name: given(input.Name), Subject: given(input.Subject), Preheader: given(input.Preheader),
		FromName: given(input.FromName), FromEmail: given(input.FromEmail),
		ReplyToName: given(input.ReplyToName), ReplyToEmail: given(input.ReplyToEmail),
		HTML: given(input.HTML), Plain: given(input.Plain), Mode: given(input.Mode),
		OpenTracking: given(input.OpenTracking), LinkTracking: given(input.LinkTracking),
	}, given(input.IdempotencyKey))
	problems, err := toUserErrors(ctx, err)
	return &model.CreateEmailPayload{Email: e, UserErrors: problems}, err
}

func (r mutationResolver) UpdateEmail(
	ctx context.Context, input model.UpdateEmailInput,
) (*model.UpdateEmailPayload, error) {
	var faults apperr.Faults
	id, err := identify(gid.Email, "id", input.ID)
	faults.Add(err)
	patch := contentPatch(input, &faults)
	var e *ent.Email
	if err = faults.Err(); err == nil {
		e, err = r.Emails.Update(ctx, id, patch, selected(ctx, emailFields, [][]string{{"email"}}).columns()...)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateEmailPayload{Email: e, UserErrors: problems}, err
}

// contentPatch reads a partial update.
func contentPatch(in model.UpdateEmailInput, faults *apperr.Faults) content.Patch {
	clear := clears(in.Clear, "", faults)
	return content.Patch{
		Name:         patched(clear, model.EmailFieldName, "name", in.Name),
		Subject:      patched(clear, model.EmailFieldSubject, "subject", in.Subject),
		Preheader:    patched(clear, model.EmailFieldPreheader, "preheader", in.Preheader),
		FromName:     patched(clear, model.EmailFieldFromName, "fromName", in.FromName),
		FromEmail:    patched(clear, model.EmailFieldFromEmail, "fromEmail", in.FromEmail),
		ReplyToName:  patched(clear, model.EmailFieldReplyToName, "replyToName", in.ReplyToName),
		ReplyToEmail: patched(clear, model.EmailFieldReplyToEmail, "replyToEmail", in.ReplyToEmail),
		HTML:         patched(clear, model.EmailFieldHTML, "html", in.HTML),
		Plain:        patched(clear, model.EmailFieldPlain, "plain", in.Plain),
		Mode:         given(in.Mode),
		OpenTracking: given(in.OpenTracking),
		LinkTracking: given(in.LinkTracking),
	}
}

func (r mutationResolver) DeleteEmails(
	ctx context.Context, input model.DeleteEmailsInput,
) (*model.DeleteEmailsPayload, error) {
	ids, err := identifyAll(gid.Email, "ids", input.Ids, maxIDs)
	var deleted []int64
	if err == nil {
		deleted, err = r.Emails.Delete(ctx, ids)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.DeleteEmailsPayload{DeletedIds: globalIDs(gid.Email, deleted), UserErrors: problems}, err
}
