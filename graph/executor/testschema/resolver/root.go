package resolver

import (
	"context"

	"campaignql/graph/executor/testschema/model"
)

type query struct{ *model.World }

func (q query) Item(ctx context.Context, number int) (*model.Item, error) {
	return model.Call[*model.Item](ctx, q.Root(), "item", number)
}

func (q query) RequiredItem(ctx context.Context, number int, secret *model.Secret) (*model.Item, error) {
	return model.Call[*model.Item](ctx, q.Root(), "requiredItem", number, secret)
}

func (q query) Items(ctx context.Context, filter *model.Filter, first *int) ([]*model.Item, error) {
	return model.Call[[]*model.Item](ctx, q.Root(), "items", filter, first)
}

func (q query) RequiredItems(ctx context.Context, filter model.Filter) ([]*model.Item, error) {
	return model.Call[[]*model.Item](ctx, q.Root(), "requiredItems", filter)
}

func (q query) Grid(ctx context.Context, ranges []*model.Range) ([][]*model.Item, error) {
	return model.Call[[][]*model.Item](ctx, q.Root(), "grid", ranges)
}

func (q query) Named(ctx context.Context, choice model.Choice) (model.Named, error) {
	return model.Call[model.Named](ctx, q.Root(), "named", choice)
}

func (q query) Being(ctx context.Context) (model.Being, error) {
	return model.Call[model.Being](ctx, q.Root(), "being")
}

func (q query) Things(ctx context.Context, sizes []model.Size) ([]model.Thing, error) {
	return model.Call[[]model.Thing](ctx, q.Root(), "things", sizes)
}

func (q query) Loot(ctx context.Context, day *string, anything any) ([]model.Loot, error) {
	return model.Call[[]model.Loot](ctx, q.Root(), "loot", day, anything)
}

func (q query) Leaves(ctx context.Context) (*model.Leaves, error) {
	return model.Call[*model.Leaves](ctx, q.Root(), "leaves")
}

func (q query) Pair(ctx context.Context) (*model.Pair, error) {
	return model.Call[*model.Pair](ctx, q.Root(), "pair")
}

func (q query) Echo(
	ctx context.Context, number *int, float *float64, text *string, boolean bool, id, day *string,
	secret *model.Secret, color *model.Color, colors []model.Color, grid [][]*int, from *model.Range,
	filter *model.Filter, entries map[string]any, point *model.Point,
) (*string, error) {
	return model.Call[*string](ctx, q.Root(), "echo",
		number, float, text, boolean, id, day, secret, color, colors, grid, from, filter, entries, point)
}

func (q query) Count(ctx context.Context) (int, error) {
	return model.Call[int](ctx, q.Root(), "count")
}

type mutation struct{ *model.World }

func (m mutation) Put(ctx context.Context, filter model.Filter, secret *model.Secret) (*model.Payload, error) {
	return model.Call[*model.Payload](ctx, m.Root(), "put", filter, secret)
}

func (m mutation) MaybePut(ctx context.Context, choice *model.Choice) (*model.Payload, error) {
	return model.Call[*model.Payload](ctx, m.Root(), "maybePut", choice)
}

func (m mutation) Raise(ctx context.Context, by *int) (*int, error) {
	return model.Call[*int](ctx, m.Root(), "raise", by)
}

func (m mutation) Step(_ context.Context, by int) (*model.Step, error) { return m.NewStep(by), nil }

func (m mutation) Cancel(ctx context.Context) (*bool, error) {
	m.World.Cancel()
	return model.Call[*bool](ctx, m.Root(), "cancel")
}

type subscription struct{ *model.World }

func (s subscription) Ticks(ctx context.Context, count int, secret *model.Secret) (<-chan *model.Item, error) {
	return stream[*model.Item](ctx, s, "ticks", count, secret)
}

func (s subscription) RequiredTicks(ctx context.Context, count *int) (<-chan *model.Item, error) {
	return stream[*model.Item](ctx, s, "requiredTicks", count)
}

func (s subscription) Numbers(ctx context.Context, filter *model.Filter) (<-chan []int, error) {
	return stream[[]int](ctx, s, "numbers", filter)
}

func (s subscription) Loots(ctx context.Context) (<-chan []model.Loot, error) {
	return stream[[]model.Loot](ctx, s, "loots")
}

func (s subscription) Days(ctx context.Context) (<-chan *string, error) {
	return stream[*string](ctx, s, "days")
}

// stream returns a stream of three events, or of none that does not end.
func stream[T any](ctx context.Context, s subscription, field string, arguments ...any) (<-chan T, error) {
	if _, err := model.Call[int](ctx, s.Root(), field, arguments...); err != nil {
		return nil, err
	}
	if s.Fixed["silent"] != nil {
		return make(chan T), nil
	}
	events := make(chan T, 3)
	for i := range cap(events) {
		events <- model.Event[T](s.World, field, i)
	}
	close(events)
	return events, nil
}
