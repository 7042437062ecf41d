package command

import (
	"context"
	"strings"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/list"
)

func (b *Bridge) listCommands() []Command {
	return []Command{
		{
			Name:      "List.Create",
			Operation: "createList",
			Scope:     kind.ScopeWrite,
			Doc:       "Creates a subscriber list.",
			Parameters: []Parameter{
				required("SubscriberListName", "The name, 1 to 250 characters; it need not be unique."),
			},
			Codes: []Code{
				{
					Number: 1, Shape: Array, Text: "SubscriberListName is missing", Missing: "SubscriberListName",
					Reasons: []apperr.Reason{apperr.ReasonListNameRequired},
				},
				{
					Number: 1, Shape: Array, Text: "SubscriberListName must have at most 250 characters",
					Reasons: []apperr.Reason{apperr.ReasonListNameTooLong},
				},
			},
			run: b.createList,
		},
		{
			Name:      "Lists.Get",
			Operation: "lists",
			Scope:     kind.ScopeRead,
			Doc:       "Lists the subscriber lists, with the number of people who are written to. It has no error codes: a value that cannot be understood is as good as not given.",
			Parameters: []Parameter{
				optional("OrderField", "ListID, Name or CreatedOn; Name for anything else."),
				optional("OrderType", "ASC or DESC."),
				optional("RecordsPerRequest", "The size of the page; 0, or not given, for all."),
				optional("RecordsFrom", "How many lists to pass over."),
			},
			run: b.lists,
		},
	}
}

func (b *Bridge) createList(ctx context.Context, p Parameters) (Object, error) {
	if err := notSent(p, "SubscriberListName"); err != nil {
		return nil, err
	}
	made, err := b.Lists.Create(ctx, list.Input{Name: p.Text("SubscriberListName")}, nil)
	if err != nil {
		return nil, err
	}
	return success(Member{"ListID", made.ID}), nil
}

// lists answers Lists.Get. The rows are read while the response is written.
func (b *Bridge) lists(ctx context.Context, p Parameters) (Object, error) {
	total, err := b.Lists.Count(ctx, list.Filter{})
	if err != nil {
		return nil, err
	}
	order := listOrder(p.Text("OrderField"), p.Text("OrderType"))
	rows := func(emit func(any) error) error {
		visit := func(ctx context.Context, lists []*ent.SubscriberList) error { return b.emitLists(ctx, lists, emit) }
		return b.Lists.Each(ctx, order, p.Count("RecordsFrom"), p.Count("RecordsPerRequest"), nil, visit)
	}
	return success(Member{"TotalListCount", total}, Member{"Lists", Stream(rows)}), nil
}

// emitLists emits lists. The number of statements does not depend on the number of lists.
func (b *Bridge) emitLists(ctx context.Context, lists []*ent.SubscriberList, emit func(any) error) error {
	ids, owners := make([]int64, len(lists)), make([]int64, len(lists))
	for i, l := range lists {
		ids[i], owners[i] = l.ID, l.UserID
	}
	people, err := b.Subscribers.ActiveCounts(ctx, ids)
	if err != nil {
		return err
	}
	zones, err := b.zonesOfOwners(ctx, owners)
	if err != nil {
		return err
	}
	for _, l := range lists {
		mode := "Single"
		if l.DoubleOptIn {
			mode = "Double"
		}
		err := emit(asText(Object{
			{"ListID", l.ID},
			{"RelOwnerUserID", l.UserID},
			{"Name", l.Name},
			{"OptInMode", mode},
			{"SubscriberCount", people[l.ID]},
			{"CreatedOn", dateTime(&l.CreatedAt, zones[l.UserID])},
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

// listOrder reads the order of Lists.Get.
func listOrder(field, direction string) list.Order {
	order := list.ByName
	switch strings.ToLower(strings.TrimSpace(field)) {
	case "listid":
		order = list.ByID
	case "createdon":
		order = list.ByCreated
	}
	order.Desc = descends(direction)
	return order
}

// descends reads OrderType.
func descends(direction string) bool { return strings.EqualFold(strings.TrimSpace(direction), "DESC") }
