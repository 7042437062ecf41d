// Package model has the Go types of the schema of the executor's differential test. What their getters
// return, and what the resolvers in testschema/resolver return, is decided by a hash of the seed, of the
// number of the object, and of the name and the arguments of the field: two executors that answer the same
// document meet the same values, errors and panics, in whatever order they ask.
package model

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// World is what one execution of a document meets, and counts what it asks.
type World struct {
	Seed uint64
	// Faults is the chance of an error or a panic of a field, and of a null where Go allows one.
	Faults float64
	// Cancel ends the context of the operation.
	Cancel func()
	// Fixed are the values of fields, and errors, that are not left to chance, by the names of the fields.
	Fixed map[string]any

	mu     sync.Mutex
	calls  map[string]int
	raised map[string]int
	steps  int
}

// Calls returns how often each field of each object was asked.
func (w *World) Calls() map[string]int { return w.calls }

// Raised returns how often each panic was raised.
func (w *World) Raised() map[string]int { return w.raised }

// Step advances the count of steps.
func (w *World) Step(by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps += by
}

// Steps returns the count of steps.
func (w *World) Steps() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.steps
}

// Own is embedded in every object: the world that it is in, and its number.
type Own struct {
	world  *World
	number uint64
}

// own returns it, of any object that embeds it.
func (o *Own) own() *Own { return o }

func (o *Own) settle(w *World, number uint64) { o.world, o.number = w, number }

// owner is an object, or a root.
type owner interface{ own() *Own }

// Root returns the parent of the fields of a root type.
func (w *World) Root() *Own { return &Own{world: w} }

// ask counts a call and returns what decides its outcome.
func (o *Own) ask(field string, arguments []any) (key string, r *dice) {
	key = fmt.Sprintf("%d.%s(%s)", o.number, field, describe(arguments))
	o.world.count(&o.world.calls, key)
	return key, o.world.dice(key)
}

func (w *World) count(of *map[string]int, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *of == nil {
		*of = map[string]int{}
	}
	(*of)[key]++
}

func (w *World) dice(key string) *dice {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(key))
	return &dice{Rand: rand.New(rand.NewPCG(w.Seed, hash.Sum64())), world: w}
}

// dice makes the random values of one place.
type dice struct {
	*rand.Rand
	world *World
}

// chance returns true with a probability.
func (d *dice) chance(p float64) bool { return d.Float64() < p }

// fault returns true with the probability of faults in the world.
func (d *dice) fault() bool { return d.chance(d.world.Faults) }

// maybePanic panics at the rate of the faults, each time with another value.
func (d *dice) maybePanic(key string) {
	if d.fault() {
		value := "panic of " + key
		d.world.count(&d.world.raised, value)
		panic(value)
	}
}

// Get returns the value of a getter that cannot fail, but may panic.
func Get[T any](of owner, field string, arguments ...any) T {
	key, r := of.own().ask(field, arguments)
	if v, ok := r.world.Fixed[field]; ok {
		return v.(T)
	}
	r.maybePanic(key)
	return value[T](r)
}

// Try returns the value of a getter that may fail.
func Try[T any](of owner, field string, arguments ...any) (T, error) {
	key, r := of.own().ask(field, arguments)
	return try[T](r, field, key)
}

func try[T any](r *dice, field, key string) (v T, err error) {
	switch fixed := r.world.Fixed[field].(type) {
	case error:
		return v, fixed
	case T:
		return fixed, nil
	}
	r.maybePanic(key)
	if r.fault() {
		err = r.failure(key)
	}
	return value[T](r), err
}

// Call returns the value of a method or a resolver with a context. Half of them respect it.
func Call[T any](ctx context.Context, of owner, field string, arguments ...any) (T, error) {
	key, r := of.own().ask(field, arguments)
	if err := ctx.Err(); err != nil && r.chance(0.5) {
		var none T
		return none, err
	}
	return try[T](r, field, key)
}

// failure returns one of the kinds of errors that gqlgen treats in different ways.
func (d *dice) failure(key string) error {
	switch d.IntN(6) {
	case 0:
		return &gqlerror.Error{Message: "gql " + key, Extensions: map[string]any{"code": "FAILED"}}
	case 1:
		return fmt.Errorf("wrapped: %w", gqlerror.Errorf("inner %s", key))
	case 2:
		return gqlerror.List{gqlerror.Errorf("first %s", key), gqlerror.Errorf("second %s", key)}
	case 3:
		return &gqlerror.Error{Message: "located " + key, Locations: []gqlerror.Location{{Line: 77, Column: 7}}}
	default:
		return errors.New("plain " + key)
	}
}

// Settle puts an object of a test into the world, and returns it.
func Settle[T owner](w *World, v T) T {
	v.own().settle(w, 1)
	return v
}

// Event returns an event of a stream.
func Event[T any](w *World, field string, number int) T {
	if events, ok := w.Fixed["events"].([]T); ok {
		return events[number]
	}
	return value[T](w.dice(fmt.Sprint("event ", field, number)))
}
