package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"campaignql/graph/guard"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestAnAnswerHoldsNoMoreThanItMay selects texts of 300 KiB, read once and returned several times,
// from both executors. An answer may hold 1 MiB.
func TestAnAnswerHoldsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		cfg := apitest.Config()
		cfg.MaxAnswer, cfg.MaxAnswers = 1<<20, 8<<20
		w := &world{Server: apitest.With(t, db, cfg), db: db}
		a := w.Account(t)
		client := db.Client(a.Context)
		html := strings.Repeat(`<p class="x">`+"\n", 300<<10/14)
		var id int64
		for range 4 {
			id = must(
				client.Email.Create().SetHTML(html).SetCreatedAt(firstDay).SetUpdatedAt(firstDay).Save(a.Context),
			)(t).ID
			c := w.campaign(t, a)
			must(client.Campaign.UpdateOne(c).SetEmailID(id).Save(a.Context))(t)
		}
		one := fmt.Sprintf(`email(id: %d) { html }`, id)
		for document, fits := range map[string]bool{
			`{ ` + one + ` }`: true,
			`{ campaigns(first: 1) { nodes { email { html } } } }`:                                                          true,
			`{ emails(first: 4) { nodes { html } } }`:                                                                       false,
			`{ campaigns { nodes { email { html } } } }`:                                                                    false,
			`{ campaigns(first: 1) { nodes { a: email { html } b: email { html } c: email { html } d: email { html } } } }`: false,
			`{ a: ` + one + ` b: ` + one + ` }`:                                                                             false,
			`{ emails(first: 1) { nodes { a: html b: html c: html d: html } } }`:                                            false,
			`{ emails(first: 50) { nodes { name subject } } }`:                                                              true,
		} {
			response := w.Query(t, a.Key, document, nil)
			switch {
			case fits && len(response.Errors) > 0:
				t.Errorf("%s: %v", document, response.Errors)
			case fits:
			case len(response.Errors) != 1 || response.Data != nil:
				t.Errorf("%s: %.300s", document, response.Body)
			default:
				fault := response.Errors[0]
				if fault.Extensions["reason"] != "ANSWER_TOO_LARGE" || fault.Extensions["field"] != "html" ||
					len(fault.Path) == 0 ||
					fault.Code() != "BAD_USER_INPUT" {
					t.Errorf("%s: %+v", document, fault)
				}
			}
		}
		// The memory of the answers is released: the server answers any number of requests.
		for range 20 {
			w.MustQuery(t, a.Key, `{ campaigns(first: 1) { nodes { email { html } } } }`, nil)
		}
	})
}

// TestTheComplexityOfLargeTextsTells checks that the largest documents are rejected before any SQL,
// and that ordinary pages are not.
func TestTheComplexityOfLargeTextsTells(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		var aliases strings.Builder
		for i := range 10 {
			fmt.Fprintf(&aliases, "a%d:campaigns(first:200){nodes{email{html}}}", i)
		}
		for document, refused := range map[string]bool{
			"{" + aliases.String() + "}": true,
			`{ campaigns(first: 50) { nodes { name email { subject } } totalCount } }`: false,
			`{ campaigns(first: 50) { nodes { email { html plain } } } }`:              false,
			`{ emails(first: 250) { nodes { html } } }`:                                false,
		} {
			response := w.Query(t, a.Key, document, nil)
			if got := len(response.Errors) == 1 && response.Errors[0].Code() == guard.CodeComplexity; got != refused {
				t.Errorf("%.80s: %v", document, response.Errors)
			}
		}
	})
}

// TestAnAnswerOverAWebSocketIsHeldUntilItIsWritten requests large answers over a WebSocket and
// reads none of them. They are charged to their account while they wait, also if the client
// completes their operations, and to no other account.
func TestAnAnswerOverAWebSocketIsHeldUntilItIsWritten(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	cfg := apitest.Config()
	cfg.MaxAnswer, cfg.MaxAnswers = 16<<20, 32<<20
	w := &world{Server: apitest.With(t, db, cfg), db: db}
	documents := map[*apitest.Account]string{}
	html := strings.Repeat("x", 6<<20) // more than the buffers of a connection
	ann, ben := w.Account(t), w.Account(t)
	for _, a := range []*apitest.Account{ann, ben} {
		made := db.Client(a.Context).Email.Create().SetHTML(html).SetCreatedAt(firstDay).SetUpdatedAt(firstDay)
		documents[a] = fmt.Sprintf(`{ email(id: %d) { html } }`, must(made.Save(a.Context))(t).ID)
	}
	refused := func(a *apitest.Account) bool {
		response := w.Query(t, a.Key, documents[a], nil)
		return len(response.Errors) > 0 && response.Errors[0].Extensions["reason"] == "ANSWERS_TOO_LARGE"
	}
	if refused(ann) || refused(ben) {
		t.Fatal("one answer is too much")
	}
	s := connect(t, w.URL, ann.Key)
	asked := 0
	// An answer that is being made is charged too, so the refusals must last until it is made.
	for deadline, inARow := time.Now().Add(patience), 0; inARow < 10; time.Sleep(50 * time.Millisecond) {
		if inARow++; refused(ann) {
			continue
		}
		if inARow = 0; time.Now().After(deadline) {
			t.Fatal("answers that nobody reads are held and not charged")
		}
		// One after the other, because answers that are made at once may leave no room for each other.
		s.subscribe(fmt.Sprint(asked), documents[ann], nil)
		asked++
	}
	for i := range asked {
		s.send("complete", fmt.Sprint(i), nil)
	}
	time.Sleep(500 * time.Millisecond) // until the messages are handled; the answers still wait
	if !refused(ann) {
		t.Error("an operation that was completed is no longer charged while its answer waits")
	}
	if refused(ben) {
		t.Error("one account takes the room of another")
	}
	_ = s.CloseNow()
	for deadline := time.Now().Add(patience); refused(ann); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was held for a connection that has ended is charged still")
		}
	}
}
