package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"campaignql/internal/audience/query"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// result is the measurement of one question.
type result struct {
	question
	people         int64
	ours, byHand   time.Duration
	index, byHands string
}

// measure measures every question on an engine and prints the results.
func (e engine) measure(ctx context.Context, o options) (err error) {
	s := e.sized(o.size)
	if o.drops {
		return e.Drop(ctx, s.database())
	}
	fmt.Printf("  %d people, %d events\n", s.people, s.events)
	st, db, err := e.loaded(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	as := caller.With(ctx, caller.Identity{
		UserID:     accountID,
		Role:       kind.RoleUser,
		Reputation: kind.ReputationTrusted,
		Scopes:     kind.AllScopes(kind.RoleUser),
		Surface:    kind.SurfaceCLI,
		TimeZone:   "UTC",
	})
	service := query.New(st, query.Options{})
	var results []result
	for _, q := range questions {
		if !strings.Contains(q.name, o.only) {
			continue
		}
		r, err := e.ask(as, db, service, q, o)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		results = append(results, r)
	}
	return printed(os.Stdout, results)
}

// ask measures both statements alternately. Each runs once before, so that its data is in memory.
func (e engine) ask(ctx context.Context, db *sql.DB, service *query.Service, q question, o options) (result, error) {
	r := result{question: q}
	a, err := q.audience()
	if err != nil {
		return r, err
	}
	text, args, err := service.CountStatement(ctx, query.Target{Audience: a, At: present})
	if err != nil {
		return r, err
	}
	hand := q.statement(e.MySQL())
	if r.index, err = e.plan(ctx, db, o, text, args); err != nil {
		return r, err
	}
	if r.byHands, err = e.plan(ctx, db, o, hand, nil); err != nil {
		return r, err
	}
	var ours, byHand []time.Duration
	for range o.rounds + 1 {
		took, n, err := timed(ctx, db, text, args)
		if err != nil {
			return r, err
		}
		handTook, handN, err := timed(ctx, db, hand, nil)
		if err != nil {
			return r, err
		}
		if n != handN {
			return r, fmt.Errorf("ours counts %d people, the statement written by hand %d", n, handN)
		}
		r.people, ours, byHand = n, append(ours, took), append(byHand, handTook)
	}
	r.ours, r.byHand = median(ours[1:]), median(byHand[1:])
	return r, nil
}

func timed(ctx context.Context, db *sql.DB, text string, args []any) (took time.Duration, n int64, err error) {
	begin := time.Now()
	err = db.QueryRowContext(ctx, text, args...).Scan(&n)
	return time.Since(begin), n, err
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
