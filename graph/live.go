package graph

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/graph/transport"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/budget"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/live"
	"campaignql/internal/surface"
)

// connected reads who uses a WebSocket from the payload of its connection_init: `Authorization` as the header
// would be, or `apiKey`. Without either the header of the handshake counts, and without that only what
// needs no caller is answered. A credential that is refused closes the connection.
func (s *server) connected(ctx context.Context, payload map[string]any) (transport.Connection, error) {
	known := *requestOf(ctx)
	known.shared = true
	sent, err := introduction(payload, known.credentials)
	if err != nil {
		return transport.Connection{}, err
	}
	known.credentials = sent
	connection := transport.Connection{Context: context.WithValue(ctx, requestKey{}, &known)}
	if sent == (account.Credentials{}) {
		return connection, nil
	}
	looking, cancel := context.WithTimeout(connection.Context, s.options.Timeout)
	defer cancel()
	id, err := s.Accounts.Authenticate(looking, sent, kind.SurfaceGraphQL)
	switch apperr.CodeOf(err) {
	case "":
		known.owner = id.UserID
		return s.introduced(connection, id)
	case apperr.Unauthenticated:
		return connection, &transport.Closing{
			Code: transport.CloseForbidden, Reason: "Forbidden: the API key or session is unknown, expired or revoked",
		}
	default:
		s.present(connection.Context, err) // into the log
		return connection, &transport.Closing{Code: transport.CloseTryLater, Reason: "Try again later"}
	}
}

// introduction reads the credentials of connection_init; those of the handshake count without any.
func introduction(payload map[string]any, handshake account.Credentials) (account.Credentials, error) {
	for _, name := range []string{"Authorization", "authorization", "apiKey"} {
		value, given := payload[name]
		if !given {
			continue
		}
		text, _ := value.(string)
		sent := account.ByToken(surface.Bearer(text))
		if name == "apiKey" {
			sent = account.ByToken(text)
		}
		if sent == (account.Credentials{}) {
			return sent, &transport.Closing{
				Code: transport.CloseForbidden, Reason: "Forbidden: " + name + " cannot be read",
			}
		}
		return sent, nil
	}
	return handshake, nil
}

// introduced gives a connection whose caller is known a place among those of its account, as long as it
// is open, and ends it with the key or session.
func (s *server) introduced(connection transport.Connection, id caller.Identity) (transport.Connection, error) {
	leave, err := s.sockets.Enter(id.UserID)
	if err != nil {
		return connection, &transport.Closing{Code: transport.CloseTryLater, Reason: "Try again later: " + err.Error()}
	}
	follower := s.Accounts.Follow(id)
	context.AfterFunc(connection.Context, func() {
		follower.Close()
		leave()
	})
	connection.Known, connection.Ended = true, follower.Ended()
	return connection, nil
}

// enter takes a place for a connection whose caller is not known yet.
func (s *server) enter(ctx context.Context) transport.Place {
	return s.lobby.Enter(surface.RequestOf(ctx).Network())
}

type streamKey struct{}

// stream is what the resolver of a subscription and the handler of its responses tell each other.
type stream struct {
	// turns has the next response as soon as it is asked for: until then its update need not be
	// known, and the latest there is will do.
	turns chan turn
	// latest is what the latest response holds.
	latest latest
	mu     sync.Mutex
	err    error
}

// turn is one response that is to be made.
type turn struct {
	ctx context.Context
	// begin is called when there is something to tell: from then on the response has its time,
	// unless stop finds that there is nothing after all.
	begin func() (stop func() bool)
}

// end notes why the stream ended; nil for by itself. The first reason counts.
func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

func (s *stream) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// subscription prepares the context of a subscription, which has a bound of its own: its caller
// once, and for each response loaders of its own and time, which begins when there is something to
// tell. An error that ended the stream is its last response.
func (s *server) subscription(
	ctx context.Context, op *graphql.OperationContext, next graphql.OperationHandler,
) graphql.ResponseHandler {
	start := time.Now()
	ctx, err := s.authenticate(surface.WithoutPlace(ctx), op)
	if err != nil {
		return graphql.OneShot(s.refused(ctx, err))
	}
	state := &stream{turns: make(chan turn, 1)}
	whenAnswered(ctx, state.latest.end)
	responses := next(prepared(context.WithValue(ctx, streamKey{}, state), s.resolver))
	first, ended := true, false
	return func(ctx context.Context) *graphql.Response {
		if ended {
			return nil
		}
		response := s.update(ctx, state, responses, first)
		if response == nil {
			ended = true
			state.latest.end()
			if err := state.why(); err != nil && ctx.Err() == nil {
				return &graphql.Response{Errors: gqlerror.List{s.present(ctx, err)}}
			}
			return nil
		}
		if first {
			first = false
			s.observe(ctx, op, start, response)
		}
		return response
	}
}

// update waits for one response and makes it. The first tells the cost of the operation, in development each.
func (s *server) update(
	ctx context.Context, state *stream, responses graphql.ResponseHandler, first bool,
) *graphql.Response {
	ctx, cancel := context.WithCancelCause(prepared(ctx, s.resolver))
	defer cancel(nil)
	held := s.options.Requests.Answers().Open()
	state.latest.replace(held)
	if id, err := caller.From(ctx); err == nil {
		held.Own(id.UserID)
	}
	ctx, recorder := s.recorded(budget.With(ctx, held))
	select {
	case state.turns <- turn{ctx, func() func() bool {
		late := time.AfterFunc(s.options.Timeout, func() { cancel(context.DeadlineExceeded) })
		context.AfterFunc(ctx, func() { late.Stop() })
		return late.Stop
	}}:
	case <-ctx.Done():
	}
	response := responses(ctx)
	if late := context.Cause(ctx); response == nil && errors.Is(late, context.DeadlineExceeded) {
		state.end(late) // the goroutine that makes the update may not have noticed yet
	}
	if response != nil {
		s.bounded(ctx, graphql.GetOperationContext(ctx), response)
	}
	if response != nil && (first || recorder != nil) {
		s.cost(ctx, response, recorder)
	}
	return response
}

// CampaignChanged follows campaigns. What the poller has read is shown as it is; for anything else
// that is asked for each campaign is read again.
func (r subscriptionResolver) CampaignChanged(ctx context.Context, ids []string) (<-chan *model.Campaign, error) {
	var numbers []int64
	if ids != nil {
		var err error
		if numbers, err = identifyAll(gid.Campaign, "ids", ids, live.MaxCampaigns); err != nil {
			return nil, err
		}
	}
	state, ok := ctx.Value(streamKey{}).(*stream)
	if !ok {
		return nil, errors.New("graph: a subscription without its stream")
	}
	watch, err := r.Live.Watch(ctx, numbers)
	if err != nil {
		return nil, err
	}
	updates := make(chan *model.Campaign)
	go func() {
		defer close(updates)
		defer watch.Close()
		state.end(r.follow(ctx, state.turns, watch, updates))
	}()
	return updates, nil
}

// follow tells every change, one for each turn, until the watch or ctx ends.
func (r subscriptionResolver) follow(
	ctx context.Context, turns <-chan turn, watch *live.Watch, updates chan<- *model.Campaign,
) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = graphql.GetOperationContext(ctx).Recover(ctx, value)
		}
	}()
	asked := selected(ctx, campaignFields, itself)
	for {
		var next turn
		select {
		case next = <-turns:
		case <-ctx.Done():
			return ctx.Err()
		}
		shown, err := r.next(next, watch, asked)
		if shown == nil {
			return err
		}
		select {
		case updates <- shown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next waits for a change and shows it; nil when the watch has ended.
func (r subscriptionResolver) next(t turn, watch *live.Watch, asked selection) (*model.Campaign, error) {
	for {
		row, err := watch.Next(t.ctx)
		if row == nil {
			return nil, err
		}
		stop := t.begin()
		if shown, err := r.changed(t.ctx, row, asked); shown != nil || err != nil {
			return shown, err
		}
		stop()
	}
}

// changed shows a campaign that has changed; nil when it is gone since.
func (r subscriptionResolver) changed(
	ctx context.Context, row *ent.Campaign, asked selection,
) (*model.Campaign, error) {
	columns := asked.columns()
	if slices.ContainsFunc(columns, func(column string) bool { return !slices.Contains(live.Columns, column) }) {
		whole, err := r.Campaigns.Get(ctx, row.ID, columns...)
		if err != nil {
			return nil, absent(err)
		}
		row = whole
	}
	return shownCampaign(row), nil
}
