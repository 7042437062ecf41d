package graph

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

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

// connected authenticates a WebSocket by the payload of its connection_init: `Authorization`, with
// the same value as the header, or `apiKey`. Without either, the header of the handshake is used.
// Without that header too, only operations that need no caller work. Rejected credentials close the
// connection.
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
		s.present(connection.Context, err) // logs the error
		return connection, &transport.Closing{Code: transport.CloseTryLater, Reason: "Try again later"}
	}
}

// introduction returns the credentials of connection_init, or those of the handshake if the payload
// has none.
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

// introduced takes one of the account's places for a connection with a known caller, and returns it
// when the connection ends. The connection ends with the key or session.
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

// stream is the state that the resolver of a subscription and the handler of its responses share.
type stream struct {
	// turns receives the next response as soon as the client is ready for it. Until then the
	// resolver need not load an update, so each response has the latest state.
	turns chan turn
	// latest is the budget of the latest response.
	latest latest
	mu     sync.Mutex
	err    error
}

// turn is one response to make.
type turn struct {
	ctx context.Context
	// begin is called when there is a change to send. It starts the timeout of the response. stop
	// cancels the timeout if there is nothing to send after all.
	begin func() (stop func() bool)
}

// end records why the stream ended; nil means without an error. The first error is kept.
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

// subscription executes a subscription, which has a limit of its own. It finds the caller once.
// Each response has its own loaders and its own timeout, which starts when there is a change to
// send. An error that ended the stream is its last response.
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

// update waits for one response and makes it. The first response has the cost of the operation; in
// development every response has it.
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
		state.end(late) // the resolver's goroutine may not have seen the timeout yet
	}
	if response != nil {
		s.bounded(ctx, graphql.GetOperationContext(ctx), response)
	}
	if response != nil && (first || recorder != nil) {
		s.cost(ctx, response, recorder)
	}
	return response
}

// CampaignChanged sends the changes of campaigns. Columns that the poller has read are returned
// without another query. If the client selects other columns, each changed campaign is read again.
func (r subscriptionResolver) CampaignChanged(
	ctx context.Context, ids []string,
) (<-chan *model.CampaignChanged, error) {
	var numbers []int64
	if ids != nil {
		var err error
		if numbers, err = identifyAll(gid.Campaign, "campaignIds", ids, live.MaxCampaigns); err != nil {
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
	updates := make(chan *model.CampaignChanged)
	go func() {
		defer close(updates)
		defer watch.Close()
		state.end(r.follow(ctx, state.turns, watch, updates))
	}()
	return updates, nil
}

// follow sends each change, one per turn, until the watch or ctx ends.
func (r subscriptionResolver) follow(
	ctx context.Context, turns <-chan turn, watch *live.Watch, updates chan<- *model.CampaignChanged,
) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = graphql.GetOperationContext(ctx).Recover(ctx, value)
		}
	}()
	asked := selected(ctx, campaignFields, [][]string{{"campaign"}})
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

// next waits for a change and returns it. It returns nil if the watch has ended.
func (r subscriptionResolver) next(t turn, watch *live.Watch, asked selection) (*model.CampaignChanged, error) {
	for {
		change, err := watch.Next(t.ctx)
		if change == nil {
			return nil, err
		}
		stop := t.begin()
		if shown, err := r.changed(t.ctx, change, asked); shown != nil || err != nil {
			return shown, err
		}
		stop()
	}
}

// changed converts a change. It returns nil if the campaign was deleted in the meantime: the watch reports
// that next.
func (r subscriptionResolver) changed(
	ctx context.Context, change *live.Change, asked selection,
) (*model.CampaignChanged, error) {
	if change.Campaign == nil {
		return &model.CampaignChanged{
			DeletedID: new(gid.Encode(gid.Campaign, change.ID)), Cause: change.Cause,
		}, nil
	}
	row, columns := change.Campaign, asked.columns()
	if slices.ContainsFunc(columns, func(column string) bool { return !slices.Contains(live.Columns, column) }) {
		whole, err := r.Campaigns.Get(ctx, change.ID, columns...)
		if err != nil {
			return nil, absent(err)
		}
		row = whole
	}
	return &model.CampaignChanged{Campaign: shownCampaign(row), Cause: change.Cause}, nil
}
