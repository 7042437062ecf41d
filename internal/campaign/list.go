package campaign

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Order is a sort order of campaigns.
type Order = page.Order[*ent.Campaign]

// Orders that an index serves.
var (
	ByID = Order{
		Name: "CREATED", Column: campaign.FieldID, Key: func(c *ent.Campaign) page.Key { return page.Key{ID: c.ID} },
	}
	ByName    = textOrder("NAME", campaign.FieldNameKey, func(c *ent.Campaign) any { return c.NameKey })
	ByCreated = instantOrder(
		"CREATED_AT", campaign.FieldCreatedAt, func(c *ent.Campaign) *time.Time { return &c.CreatedAt }, false,
	)
	ByLastActivity = instantOrder(
		"LAST_ACTIVITY_AT", campaign.FieldLastActivityAt, func(c *ent.Campaign) *time.Time { return &c.LastActivityAt },
		false,
	)
	ByNextSend = instantOrder(
		"NEXT_SEND_AT", campaign.FieldNextSendAt, func(c *ent.Campaign) *time.Time { return c.NextSendAt }, true,
	)
	BySendingStart = instantOrder(
		"SENDING_STARTED_AT", campaign.FieldSendingStartedAt,
		func(c *ent.Campaign) *time.Time { return c.SendingStartedAt }, true,
	)
	BySendingFinish = instantOrder(
		"SENDING_FINISHED_AT", campaign.FieldSendingFinishedAt,
		func(c *ent.Campaign) *time.Time { return c.SendingFinishedAt }, true,
	)
	ByStatus = numberOrder(
		"STATUS", campaign.FieldStatusRank, func(c *ent.Campaign) int64 { return int64(c.StatusRank) },
	)
	ByRecipients = numberOrder(
		"RECIPIENTS", campaign.FieldTotalRecipients, func(c *ent.Campaign) int64 { return c.TotalRecipients },
	)
	newestFirst       = func() Order { o := ByID; o.Desc = true; return o }()
	_           Order = newestFirst
)

// NewestFirst returns the default order of lists.
func NewestFirst() Order { return newestFirst }

func textOrder(name, column string, value func(*ent.Campaign) any) Order {
	return Order{
		Name: name, Column: column, Type: page.Text,
		Key: func(c *ent.Campaign) page.Key { return page.Key{Value: value(c), ID: c.ID} },
	}
}

func numberOrder(name, column string, value func(*ent.Campaign) int64) Order {
	return Order{
		Name: name, Column: column, Type: page.Number,
		Key: func(c *ent.Campaign) page.Key { return page.Key{Value: value(c), ID: c.ID} },
	}
}

func instantOrder(name, column string, value func(*ent.Campaign) *time.Time, nullable bool) Order {
	return Order{
		Name:     name,
		Column:   column,
		Type:     page.Instant,
		Nullable: nullable,
		Key: func(c *ent.Campaign) page.Key {
			return page.Key{Value: page.Optional(value(c)), ID: c.ID}
		},
	}
}

// Get returns one campaign with the given columns, or with all columns if none are given. It
// returns NotFound if the caller has no campaign with this id.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.Campaign, error) {
	found, err := s.ByIDs(ctx, []int64{id}, columns...)
	if err != nil {
		return nil, err
	}
	if c := found[id]; c != nil {
		return c, nil
	}
	return nil, apperr.NotFoundf("campaign")
}

// ByIDs returns the campaigns among the ids that the caller can see, with the given columns, or
// with all columns if none are given. It runs one statement.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Campaign, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.Campaign) int64 { return row.ID },
		func(some ...int64) *ent.CampaignQuery {
			return s.db.Client(ctx).Campaign.Query().Where(campaign.IDIn(some...))
		},
	)
}

// List returns one page of the matching campaigns, with the given columns, or with all columns if
// none are given. It runs one statement.
func (s *Service) List(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.Campaign], error) {
	return store.HeavyIf(ctx, s.db, filter.scans(), func(ctx context.Context) (page.Result[*ent.Campaign], error) {
		return s.list(ctx, filter, order, request, columns...)
	})
}

func (s *Service) list(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.Campaign], error) {
	var none page.Result[*ent.Campaign]
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return none, err
	}
	var faults apperr.Faults
	plan, err := order.Plan(request)
	faults.Add(err)
	faults.Add(filter.Validate())
	if err := faults.Err(); err != nil {
		return none, err
	}
	return page.Fetch(ctx, plan, s.db.Client(ctx).Campaign.Query().Where(filter.Predicate()), columns)
}

// Predicate returns the filter as an Ent predicate.
func (f Filter) Predicate() func(*sql.Selector) {
	return func(s *sql.Selector) {
		if p := f.where(s); p != nil {
			s.Where(p)
		}
	}
}

// Chosen returns a condition for rows of another table that name their campaign in a column. The
// condition is true if the campaign matches the filter and the caller can see it.
func (f Filter) Chosen(id caller.Identity, s *sql.Selector, column string) *sql.Predicate {
	campaigns := sql.Dialect(s.Dialect()).Select(campaign.FieldID).From(sql.Table(campaign.Table))
	if asked := f.where(campaigns); asked != nil {
		// The parentheses are needed for every condition: an OR in the filter must not open other
		// accounts.
		campaigns.Where(sql.P(func(b *sql.Builder) { b.Wrap(func(b *sql.Builder) { b.Join(asked) }) }))
	}
	if !id.SeesAll() {
		campaigns.Where(sql.EQ(campaigns.C(campaign.FieldUserID), id.UserID))
	}
	return sql.In(s.C(column), campaigns)
}

// ChoosesAll reports whether the filter has no condition.
func (f Filter) ChoosesAll() bool {
	return f.where(sql.Select().From(sql.Table(campaign.Table))) == nil
}

// Count returns the number of matching campaigns. It runs one statement.
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	return store.HeavyIf(ctx, s.db, filter.scans(), func(ctx context.Context) (int, error) {
		return s.count(ctx, filter)
	})
}

func (s *Service) count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	if err := filter.Validate(); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Campaign.Query().Where(filter.Predicate()).Count(ctx)
	return n, store.Translate(err)
}

// Counts holds numbers of campaigns.
type Counts struct {
	Total             int
	ByStatus          map[kind.CampaignStatus]int
	Scheduled, Outbox int
}

// Counts counts the matching campaigns by status and bucket, in one grouped statement.
func (s *Service) Counts(ctx context.Context, filter Filter) (*Counts, error) {
	return store.HeavyIf(ctx, s.db, filter.scans(), func(ctx context.Context) (*Counts, error) {
		return s.counts(ctx, filter)
	})
}

func (s *Service) counts(ctx context.Context, filter Filter) (*Counts, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if err := filter.Validate(); err != nil {
		return nil, err
	}
	var groups []struct {
		Status   kind.CampaignStatus `json:"status"`
		Schedule kind.ScheduleType   `json:"schedule_type"`
		Count    int                 `json:"count"`
	}
	err := s.db.Client(ctx).Campaign.Query().Where(filter.Predicate()).
		GroupBy(campaign.FieldStatus, campaign.FieldScheduleType).Aggregate(ent.Count()).Scan(ctx, &groups)
	if err != nil {
		return nil, store.Translate(err)
	}
	counts := &Counts{ByStatus: map[kind.CampaignStatus]int{}}
	for _, g := range groups {
		counts.Total += g.Count
		counts.ByStatus[g.Status] += g.Count
		switch {
		case g.Status == kind.StatusReady &&
			(g.Schedule == kind.ScheduleFuture || g.Schedule == kind.ScheduleRecurring):
			counts.Scheduled += g.Count
		case g.Status == kind.StatusReady && g.Schedule == kind.ScheduleImmediate,
			g.Status == kind.StatusSending,
			g.Status == kind.StatusPaused:
			counts.Outbox += g.Count
		}
	}
	return counts, nil
}

// streamBatch is the size of the first batch that Each reads, and largestBatch is the upper bound
// to which batches grow.
const (
	streamBatch  = 250
	largestBatch = 4000
)

// Each calls visit with batches of the matching campaigns, in order, starting at the given offset.
// It visits at most limit campaigns; 0 means all. Each holds only one batch in memory. visit may
// load related rows for the whole batch in one statement. An error of visit stops Each. Batches are
// read by key, so that concurrent inserts and deletes never make a campaign appear twice.
func (s *Service) Each(
	ctx context.Context, filter Filter, order Order, offset, limit int, columns []string,
	visit func(context.Context, []*ent.Campaign) error,
) error {
	return page.Each(
		ctx, offset, limit, streamBatch, largestBatch,
		func(ctx context.Context, request page.Request) (page.Result[*ent.Campaign], error) {
			return s.List(ctx, filter, order, request, columns...)
		},
		visit,
	)
}
