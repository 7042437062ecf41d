// Package resolver has the resolvers of the schema of the executor's differential test. What they return is
// decided in testschema/model.
package resolver

import (
	"context"

	"campaignql/graph/executor/testschema/exec"
	"campaignql/graph/executor/testschema/model"
)

// Resolver resolves all types in one world.
type Resolver struct{ *model.World }

// The resolvers of the types.
func (r Resolver) Item() exec.ItemResolver                 { return item{} }
func (r Resolver) Pair() exec.PairResolver                 { return pair{} }
func (r Resolver) Person() exec.PersonResolver             { return person{} }
func (r Resolver) Robot() exec.RobotResolver               { return robot{} }
func (r Resolver) Rock() exec.RockResolver                 { return rock{} }
func (r Resolver) Step() exec.StepResolver                 { return step{} }
func (r Resolver) Query() exec.QueryResolver               { return query(r) }
func (r Resolver) Mutation() exec.MutationResolver         { return mutation(r) }
func (r Resolver) Subscription() exec.SubscriptionResolver { return subscription(r) }

type item struct{}

func (item) Resolved(ctx context.Context, obj *model.Item) (*string, error) {
	return model.Call[*string](ctx, obj, "resolved")
}

func (item) ResolvedRequired(ctx context.Context, obj *model.Item) (int, error) {
	return model.Call[int](ctx, obj, "resolvedRequired")
}

func (item) ResolvedBlob(ctx context.Context, obj *model.Item) (model.Blob, error) {
	return model.Call[model.Blob](ctx, obj, "resolvedBlob")
}

func (item) Sum(ctx context.Context, obj *model.Item, from model.Range, extra *int) (int, error) {
	return model.Call[int](ctx, obj, "sum", from, extra)
}

func (item) Search(
	ctx context.Context, obj *model.Item, filter *model.Filter, secret *model.Secret,
) ([]*model.Item, error) {
	return model.Call[[]*model.Item](ctx, obj, "search", filter, secret)
}

func (item) SearchGrid(ctx context.Context, obj *model.Item, first int) ([][]*model.Item, error) {
	return model.Call[[][]*model.Item](ctx, obj, "searchGrid", first)
}

func (item) Partner(ctx context.Context, obj *model.Item, choice *model.Choice) (model.Being, error) {
	return model.Call[model.Being](ctx, obj, "partner", choice)
}

func (item) Crowd(ctx context.Context, obj *model.Item) ([]model.Being, error) {
	return model.Call[[]model.Being](ctx, obj, "crowd")
}

func (item) Treasure(
	ctx context.Context, obj *model.Item, sizes []*model.Size, words [][]model.Word,
) ([]model.Loot, error) {
	return model.Call[[]model.Loot](ctx, obj, "treasure", sizes, words)
}

func (item) ResolvedLeaves(ctx context.Context, obj *model.Item) (*model.Leaves, error) {
	return model.Call[*model.Leaves](ctx, obj, "resolvedLeaves")
}

func (item) ResolvedPair(ctx context.Context, obj *model.Item) (*model.Pair, error) {
	return model.Call[*model.Pair](ctx, obj, "resolvedPair")
}

func (item) ResolvedPairs(ctx context.Context, obj *model.Item) ([]*model.Pair, error) {
	return model.Call[[]*model.Pair](ctx, obj, "resolvedPairs")
}

// Ghost returns an interface that is not nil, with a pointer that is.
func (item) Ghost(ctx context.Context, obj *model.Item) (model.Named, error) {
	_, err := model.Call[bool](ctx, obj, "ghost")
	return (*model.Person)(nil), err
}

// Ghosts returns some of them among others.
func (item) Ghosts(ctx context.Context, obj *model.Item) ([]model.Named, error) {
	named, err := model.Call[[]model.Named](ctx, obj, "ghosts")
	return append([]model.Named{(*model.Robot)(nil), nil}, named...), err
}

type pair struct{}

func (pair) Resolved(ctx context.Context, obj *model.Pair, by *int) (float64, error) {
	return model.Call[float64](ctx, obj, "resolved", by)
}

type person struct{}

func (person) Mates(ctx context.Context, obj *model.Person, first *int) ([]model.Named, error) {
	return model.Call[[]model.Named](ctx, obj, "mates", first)
}

func (person) Mother(ctx context.Context, obj *model.Person) (model.Being, error) {
	return model.Call[model.Being](ctx, obj, "mother")
}

type robot struct{}

func (robot) Label(ctx context.Context, obj *model.Robot, upper *bool) (*string, error) {
	return model.Call[*string](ctx, obj, "label", upper)
}

func (robot) Mates(ctx context.Context, obj *model.Robot, first *int) ([]model.Named, error) {
	return model.Call[[]model.Named](ctx, obj, "mates", first)
}

func (robot) Owner(ctx context.Context, obj *model.Robot) (model.Being, error) {
	return model.Call[model.Being](ctx, obj, "owner")
}

type rock struct{}

func (rock) Owner(ctx context.Context, obj *model.Rock) (model.Being, error) {
	return model.Call[model.Being](ctx, obj, "owner")
}

type step struct{}

func (step) ResolvedTotal(_ context.Context, obj *model.Step) (int, error) {
	return obj.ResolvedTotal(), nil
}
