package app_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"campaignql/internal/app"
	"campaignql/internal/apperr"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	lists "campaignql/internal/people/list"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// deletable is a kind of object. One call deletes several of them and returns which it deleted.
type deletable struct {
	name string
	make func(ctx context.Context, n int) (int64, error)
	// remove returns the ids that it deleted.
	remove func(ctx context.Context, ids []int64) ([]int64, error)
}

// deletables are all kinds. Segments are created on the list.
func deletables(s *app.Services, listID int64) []deletable {
	client := s.Store.Client
	now := store.Now()
	return []deletable{
		{"campaign", func(ctx context.Context, n int) (int64, error) {
			c, err := s.Campaigns.Create(ctx, fmt.Sprint("c", n), nil)
			if err != nil {
				return 0, err
			}
			return c.ID, nil
		}, s.Campaigns.Delete},
		{"email", func(ctx context.Context, _ int) (int64, error) {
			e, err := s.Emails.Create(ctx, content.Patch{}, nil)
			if err != nil {
				return 0, err
			}
			return e.ID, nil
		}, s.Emails.Delete},
		{"list", func(ctx context.Context, n int) (int64, error) {
			l, err := s.Lists.Create(ctx, lists.Input{Name: fmt.Sprint("l", n)}, nil)
			if err != nil {
				return 0, err
			}
			return l.ID, nil
		}, s.Lists.Delete},
		{"custom field", func(ctx context.Context, n int) (int64, error) {
			name := fmt.Sprint("f", n)
			f, err := client(ctx).CustomField.Create().SetName(name).SetNameKey(name).SetCreatedAt(now).Save(ctx)
			if err != nil {
				return 0, err
			}
			return f.ID, nil
		}, s.Fields.Delete},
		{"subscriber tag", func(ctx context.Context, n int) (int64, error) {
			name := fmt.Sprint("t", n)
			t, err := client(ctx).SubscriberTag.Create().SetName(name).SetNameKey(name).SetCreatedAt(now).Save(ctx)
			if err != nil {
				return 0, err
			}
			return t.ID, nil
		}, s.SubscriberTags.Delete},
		{"segment", func(ctx context.Context, _ int) (int64, error) {
			g, err := client(
				ctx,
			).Segment.Create().
				SetListID(listID).SetName("s").SetNameKey("s").
				SetRules(`{"operator":"and","rules":[]}`).
				SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
			if err != nil {
				return 0, err
			}
			return g.ID, nil
		}, s.Segments.Delete},
		{"tag", func(ctx context.Context, n int) (int64, error) {
			name := fmt.Sprint("t", n)
			t, err := client(ctx).Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(now).Save(ctx)
			if err != nil {
				return 0, err
			}
			return t.ID, nil
		}, s.Tags.Delete},
		{"suppression", func(ctx context.Context, n int) (int64, error) {
			_, err := s.Suppressions.Suppress(ctx, []string{fmt.Sprint(n, "@example.com")}, kind.SuppressedManually)
			return int64(n), err
		}, func(ctx context.Context, ids []int64) ([]int64, error) {
			addresses := make([]string, len(ids))
			for i, id := range ids {
				addresses[i] = fmt.Sprint(id, "@example.com")
			}
			released, err := s.Suppressions.Unsuppress(ctx, addresses)
			deleted := make([]int64, len(released))
			for i, address := range released {
				if _, err := fmt.Sscanf(address, "%d@", &deleted[i]); err != nil {
					return nil, err
				}
			}
			return deleted, err
		}},
	}
}

// TestOfSeveralDeletionsAtOnceEachIsAnsweredTheTruth concurrently deletes overlapping sets of
// objects of every kind, in different orders. No caller gets an error, and each object was deleted
// by exactly one caller.
func TestOfSeveralDeletionsAtOnceEachIsAnsweredTheTruth(t *testing.T) {
	t.Parallel()
	const rounds, callers, things = 12, 4, 6
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		owner := testkit.Account(t, db)
		ctx := testkit.As(t, owner)
		services := app.NewServices(db, app.ServiceOptions{})
		ofSegments, err := services.Lists.Create(ctx, lists.Input{Name: "of segments"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range deletables(services, ofSegments.ID) {
			for round := range rounds {
				ids := make([]int64, things)
				for i := range ids {
					var err error
					if ids[i], err = d.make(ctx, round*things+i); err != nil {
						t.Fatalf("%s: %v", d.name, err)
					}
				}
				deleted, errs := make([][]int64, callers), make([]error, callers)
				var start, done sync.WaitGroup
				start.Add(1)
				for n := range callers {
					// All ids, their first half and their second half, each in both orders.
					asked := slices.Clone([][]int64{ids, ids[:4], ids[2:], ids}[n])
					if n%2 == 1 {
						slices.Reverse(asked)
					}
					done.Go(func() {
						start.Wait()
						deleted[n], errs[n] = d.remove(ctx, asked)
					})
				}
				start.Done()
				done.Wait()
				if err := errors.Join(errs...); err != nil {
					t.Errorf("%s, round %d: %v (%v)", d.name, round, err, causes(errs))
					break
				}
				all := slices.Concat(deleted...)
				slices.Sort(all)
				slices.Sort(ids)
				if !slices.Equal(all, ids) {
					t.Fatalf("%s, round %d: %v were deleted, the callers were answered %v", d.name, round, ids, deleted)
				}
			}
		}
	})
}

func causes(errs []error) string {
	var out []string
	for _, err := range errs {
		for _, fault := range apperr.All(err) {
			if fault.Err != nil {
				out = append(out, fault.Err.Error())
			}
		}
	}
	return strings.Join(out, "; ")
}

// TestDeletingACampaignOnBothSurfacesAtOnceFailsOnNeither concurrently deletes the same campaigns
// with deleteCampaigns and Campaigns.Delete.
func TestDeletingACampaignOnBothSurfacesAtOnceFailsOnNeither(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		s := apitest.New(t, testkit.Open(t, address))
		owner := s.Account(t)
		for round := range 10 {
			ids := make([]string, 5)
			for i := range ids {
				c, err := s.Services.Campaigns.Create(owner.Context, fmt.Sprint("c", i), nil)
				if err != nil {
					t.Fatal(err)
				}
				ids[i] = fmt.Sprint(c.ID)
			}
			var start, done sync.WaitGroup
			start.Add(1)
			reported := make([]int, 2)
			for n := range 4 {
				done.Go(func() {
					start.Wait()
					if n%2 == 0 {
						answer := s.Query(
							t, owner.Key,
							`mutation($ids: [ID!]!) { deleteCampaigns(input: {ids: $ids}) { deletedIds userErrors { message } } }`,
							map[string]any{"ids": ids},
						)
						if len(answer.Errors) > 0 {
							t.Errorf("round %d: %s", round, answer.Body)
							return
						}
						deleted, _ := apitest.At(t, answer.Data, "deleteCampaigns", "deletedIds").([]any)
						reported[n/2] = len(deleted)
						return
					}
					status, body := s.Command(
						t,
						url.Values{
							"Command": {"Campaigns.Delete"}, "APIKey": {owner.Key},
							"Campaigns": {strings.Join(ids, ",")},
						},
					)
					if status != http.StatusOK || !strings.Contains(body, `"Success":true`) {
						t.Errorf("round %d: %d %s", round, status, body)
					}
				})
			}
			start.Done()
			done.Wait()
			if all := reported[0] + reported[1]; all > len(ids) {
				t.Errorf("round %d: %d campaigns were deleted, the callers were answered %v", round, len(ids), reported)
			}
		}
	})
}
