package model

import (
	"context"
	"io"
	"time"
)

// Named, Being and Thing are the interfaces of the schema, Loot is its union.
type (
	Named interface{ IsNamed() }
	Being interface {
		Named
		IsBeing()
	}
	Thing interface{ IsThing() }
	Loot  interface{ IsLoot() }
)

// Item has a field of each kind of binding.
type Item struct {
	Own
	Note        *string
	Leaves      *Leaves
	MaybeLeaves *Leaves
	Pair        Pair
	Pairs       []Pair
	Grid        [][]*Pair
	Parent      *Item
}

// IsLoot makes it a member of the union.
func (i *Item) IsLoot() {}

// The getters.
func (i *Item) Number() string                  { return Get[string](i, "number") }
func (i *Item) Score() int                      { return Get[int](i, "score") }
func (i *Item) Rank() *int                      { return Get[*int](i, "rank") }
func (i *Item) Title() string                   { return Get[string](i, "title") }
func (i *Item) Day() string                     { return Get[string](i, "day") }
func (i *Item) Days() []string                  { return Get[[]string](i, "days") }
func (i *Item) Blob() Blob                      { return Get[Blob](i, "blob") }
func (i *Item) Map() map[string]any             { return Get[map[string]any](i, "map") }
func (i *Item) Anything() any                   { return Get[any](i, "anything") }
func (i *Item) Colors() []Color                 { return Get[[]Color](i, "colors") }
func (i *Item) Shades() [][]*string             { return Get[[][]*string](i, "shades") }
func (i *Item) Child() *Item                    { return Get[*Item](i, "child") }
func (i *Item) Children() []*Item               { return Get[[]*Item](i, "children") }
func (i *Item) Companion() Being                { return Get[Being](i, "companion") }
func (i *Item) Cast() []Named                   { return Get[[]Named](i, "cast") }
func (i *Item) Loot() []Loot                    { return Get[[]Loot](i, "loot") }
func (i *Item) Risky() (string, error)          { return Try[string](i, "risky") }
func (i *Item) RiskyDay() (string, error)       { return Try[string](i, "riskyDay") }
func (i *Item) RiskyChild() (*Item, error)      { return Try[*Item](i, "riskyChild") }
func (i *Item) RiskyChildren() ([]*Item, error) { return Try[[]*Item](i, "riskyChildren") }
func (i *Item) RiskyLoot() (Loot, error)        { return Try[Loot](i, "riskyLoot") }

// Tinted is a getter with arguments.
func (i *Item) Tinted(color Color, size *Size) (*string, error) {
	return Try[*string](i, "tinted", color, size)
}

// The methods with a context.
func (i *Item) Slow(ctx context.Context) (*int, error) { return Call[*int](ctx, i, "slow") }

func (i *Item) SlowTimes(ctx context.Context) ([]time.Time, error) {
	return Call[[]time.Time](ctx, i, "slowTimes")
}

func (i *Item) SlowPair(ctx context.Context) (Pair, error) { return Call[Pair](ctx, i, "slowPair") }

func (i *Item) SlowChild(context.Context) *Item { return Get[*Item](i, "slowChild") }

func (i *Item) SlowLabel(ctx context.Context, style *Color, times []int) (*string, error) {
	return Call[*string](ctx, i, "slowLabel", style, times)
}

// Pair is an object by value.
type Pair struct {
	Own
	Left  string
	Right Word
}

// IsLoot makes it a member of the union, by value and as a pointer.
func (Pair) IsLoot() {}

// Sum is a getter.
func (p *Pair) Sum() int { return Get[int](p, "sum") }

// Twin is a getter of a value.
func (p *Pair) Twin() Pair { return Get[Pair](p, "twin") }

// Item is a method that may fail.
func (p *Pair) Item() (*Item, error) { return Try[*Item](p, "item") }

// Person is a being.
type Person struct {
	Own
	Name string
	Home *Pair
}

func (p *Person) IsNamed() {}
func (p *Person) IsBeing() {}

func (p *Person) Label(upper *bool) string { return Get[string](p, "label", upper) }
func (p *Person) Age() int                 { return Get[int](p, "age") }

func (p *Person) Mood(ctx context.Context) (Mood, error) { return Call[Mood](ctx, p, "mood") }

// Robot is a being and a thing.
type Robot struct {
	Own
	Mood   Mood
	Weight *Weight
	Rate   float64
}

func (r *Robot) IsNamed() {}
func (r *Robot) IsBeing() {}
func (r *Robot) IsThing() {}
func (r *Robot) IsLoot()  {}

func (r *Robot) Name() (string, error)   { return Try[string](r, "name") }
func (r *Robot) Age() (int, error)       { return Try[int](r, "age") }
func (r *Robot) Mother() Being           { return Get[Being](r, "mother") }
func (r *Robot) Parts() ([]Thing, error) { return Try[[]Thing](r, "parts") }

// Rock is a thing, by value and as a pointer.
type Rock struct {
	Own
	Name  string
	Color *Color
}

func (Rock) IsThing() {}
func (Rock) IsLoot()  {}

func (r *Rock) Weight() *Weight        { return Get[*Weight](r, "weight") }
func (r *Rock) Mother() Being          { return Get[Being](r, "mother") }
func (r *Rock) Rate() (float64, error) { return Try[float64](r, "rate") }

// Stranger implements the interfaces, but the schema does not know it.
type Stranger struct{}

func (*Stranger) IsNamed() {}
func (*Stranger) IsBeing() {}
func (*Stranger) IsThing() {}
func (*Stranger) IsLoot()  {}

// Guest is a stranger that marshals itself.
type Guest struct{}

func (Guest) IsNamed() {}
func (Guest) IsBeing() {}
func (Guest) IsThing() {}
func (Guest) IsLoot()  {}

// MarshalGQL implements [graphql.Marshaler].
func (Guest) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, `{"guest":true}`) }

// Payload is the answer of a mutation.
type Payload struct {
	Own
	Item *Item
}

// Loot is a getter.
func (p *Payload) Loot() Loot { return Get[Loot](p, "loot") }

// Step shows the count of steps at the time when each of its fields is asked.
type Step struct{ Own }

// Total is a getter.
func (s *Step) Total() int { return s.world.Steps() }

// SlowTotal is a method with a context.
func (s *Step) SlowTotal(context.Context) (int, error) { return s.world.Steps(), nil }

// ResolvedTotal is what the resolver of the same name returns.
func (s *Step) ResolvedTotal() int { return s.world.Steps() }

// NewStep advances the count.
func (w *World) NewStep(by int) *Step {
	w.Step(by)
	return &Step{Own{world: w}}
}
