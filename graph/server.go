package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/graph/exec"
	"campaignql/graph/guard"
	"campaignql/graph/loader"
	"campaignql/graph/transport"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/budget"
	"campaignql/internal/caller"
	"campaignql/internal/gate"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/surface"
)

const (
	// cachedDocuments is how many parsed and validated documents are kept.
	cachedDocuments = 1000
	// persistedQueries is how many automatic persisted queries are kept.
	persistedQueries = 1000
	// defaultMaxBatchBody has room for the most events and the most people that one mutation takes,
	// with 3,300 bytes of each.
	defaultMaxBatchBody        = 16 << 20
	defaultMaxAnonymousSockets = 64
	// largestKept is the length in bytes of the longest document that is kept, which anybody may
	// send: a longer one is parsed each time.
	largestKept = 16 << 10
)

// Options are the settings of the surface. The zero value is a server in production with the limits of the contract.
type Options struct {
	Info   Info
	Limits guard.Limits
	// MaxBody is the largest body in bytes; 1 MiB by default.
	MaxBody int64
	// MaxBatchBody is the largest body of a caller who may write or record events, who sends rows
	// by the thousand; 16 MiB by default.
	MaxBatchBody int64
	// Bodies admits bodies that are not small; limits of its own by default.
	Bodies *surface.Bodies
	// Timeout ends an operation, and its SQL; of a subscription each update. 30 s by default.
	Timeout time.Duration
	// MaxSocketOperations is how many operations may run at once over one WebSocket; 32 by default.
	MaxSocketOperations int
	// MaxSockets is how many WebSockets the server has open at a time whose caller is known, MaxAccountSockets how
	// many of one account; 0 is no bound. MaxAnonymousSockets is how many it has whose caller is not known
	// yet; 64 by default.
	MaxSockets, MaxAccountSockets, MaxAnonymousSockets int
	// Requests bounds the operations under way and what their answers hold in memory; by default
	// the default pool, without a bound of operations.
	Requests *surface.Requests
	// Stopping is closed when the server begins to stop: what would not end by itself is ended then.
	Stopping <-chan struct{}
	// Development shows suggestions, and the SQL statements an operation ran in extensions.cost.
	Development bool
	// HideSchema turns introspection off.
	HideSchema bool
	Logger     *slog.Logger
	// Observe, if set, is told of every operation when it has been answered.
	Observe func(ctx context.Context, operation string, took time.Duration, failed bool)
}

// server is one GraphQL endpoint.
type server struct {
	*resolver
	log     *slog.Logger
	options Options
	// sockets are the open connections whose caller is known, lobby those of all others.
	sockets *gate.Gate
	lobby   *gate.Lobby
	// schemas has a place for each operation that asks for the schema while it is executed.
	schemas *gate.Gate
}

// Handler returns the endpoint. The credentials of a request are read from its Authorization
// header, once its document has been found good: nothing that is refused costs a statement.
func Handler(services Services, options Options) http.Handler {
	s := newServer(services, options)
	return s.handler(exec.NewExecutor(exec.Config{Resolvers: s.resolver}))
}

func newServer(services Services, options Options) *server {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Timeout == 0 {
		options.Timeout = 30 * time.Second
	}
	if options.MaxBody == 0 {
		options.MaxBody = transport.DefaultMaxBody
	}
	if options.MaxBatchBody == 0 {
		options.MaxBatchBody = defaultMaxBatchBody
	}
	if options.Bodies == nil {
		options.Bodies = surface.NewBodies(surface.BodyLimits{})
	}
	if options.MaxAnonymousSockets == 0 {
		options.MaxAnonymousSockets = defaultMaxAnonymousSockets
	}
	if options.Requests == nil {
		options.Requests = surface.NewRequests(budget.NewPool(0, 0), 0, 0)
	}
	shown := guard.DefaultLimits()
	if options.Limits.Depth > 0 {
		shown.Depth = options.Limits.Depth
	}
	if options.Limits.Complexity > 0 {
		shown.Complexity = options.Limits.Complexity
	}
	return &server{
		resolver: &resolver{Services: services, info: options.Info, limits: limits{shown.Depth, shown.Complexity}},
		log:      options.Logger,
		options:  options,
		sockets: gate.New(
			"WebSockets", options.MaxSockets, options.MaxAccountSockets,
		),
		lobby:   gate.NewLobby(options.MaxAnonymousSockets),
		schemas: gate.New("queries for the schema", maxSchemas, maxAccountSchemas),
	}
}

// handler serves a schema.
func (s *server) handler(schema graphql.ExecutableSchema) http.Handler {
	options := s.options
	srv := handler.New(schema)
	srv.AddTransport(transport.Socket{
		MaxMessage:    options.MaxBody,
		MaxOperations: options.MaxSocketOperations,
		Init:          s.connected,
		Enter:         s.enter,
		Stopping:      options.Stopping,
		Bodies:        options.Bodies,
		Identify:      ownerOfSocket,
	})
	srv.AddTransport(transport.HTTP{
		MaxBody:    options.MaxBody,
		MaxLarge:   max(options.MaxBody, options.MaxBatchBody),
		LargerWith: "a key of the scope write or delivery",
		Bodies:     options.Bodies,
		Identify:   s.identify,
		Stopping:   options.Stopping,
	})
	srv.SetQueryCache(
		small[*ast.QueryDocument]{
			Cache: lru.New[*ast.QueryDocument](cachedDocuments),
			size:  func(text string, _ *ast.QueryDocument) int { return len(text) },
		},
	)
	srv.Use(
		extension.AutomaticPersistedQuery{
			Cache: small[string]{
				Cache: lru.New[string](persistedQueries), size: func(_, text string) int { return len(text) },
			},
		},
	)
	srv.Use(new(variables))
	guard.New(guard.Config{Limits: options.Limits, Weight: weight, HideSuggestions: !options.Development}).Install(srv)
	if options.HideSchema {
		srv.Use(hidden{})
	} else {
		srv.Use(extension.Introspection{})
	}
	srv.SetErrorPresenter(s.present)
	srv.SetRecoverFunc(s.recovered)
	srv.AroundOperations(s.operation)
	srv.AroundResponses(s.identified)
	return s.request(srv)
}

// commandCost is what the field command costs: under the default limit twenty of them fit into one request.
const commandCost = 1000

// audienceCost is what it costs to evaluate an audience, which reads the people of its lists: a
// page of fifty campaigns with their counts fits under the default limit, and not much more.
const audienceCost = 350

// Texts of an email may have 5 MiB each, rules some hundred KiB. textCost is for the former: a page
// of fifty with one of them stays cheap, and ten aliases of the largest page are over the default
// limit. rulesCost is for the latter.
const (
	textCost  = 20
	rulesCost = 3
)

// overviewCost is what it costs to add up the counters of all campaigns of an account, and sumCost
// to add up rows beside them, of which a campaign may have many: under the default limit less than
// forty fit into one request.
const (
	overviewCost = 50
	sumCost      = 500
)

// weight is what fields cost beyond 1: those that run a statement of their own.
func weight(parent, field string) guard.Weight {
	switch parent + "." + field {
	case "Campaign.readiness", "Campaign.history", "SubscriberList.subscriberCount", "SubscriberTag.subscriberCount",
		"CampaignStatistics.series", "CampaignStatistics.links", "CampaignStatistics.domains", "ComparedCampaign.elapsed":
		return guard.Weight{Cost: 5}
	case "CampaignComparison.campaigns":
		return guard.Weight{Rows: maxCompared}
	case "Query.statistics", "CampaignComparison.total", "Query.exportStatistics":
		return guard.Weight{Cost: overviewCost}
	case "AccountStatistics.series", "AccountStatistics.links", "AccountStatistics.domains":
		return guard.Weight{Cost: sumCost}
	case "Email.html", "Email.plain":
		return guard.Weight{Cost: textCost}
	case "CampaignAudience.rules", "Segment.rules":
		return guard.Weight{Cost: rulesCost}
	case "CampaignConnection.totalCount", "Query.campaignCounts", "SubscriberConnection.totalCount":
		return guard.Weight{Cost: 50}
	case "CampaignAudience.count", "CampaignAudience.waterfall", "CampaignAudience.preview", "Segment.subscriberCount":
		return guard.Weight{Cost: audienceCost}
	case "CampaignAudience.explain":
		return guard.Weight{Cost: 4 * audienceCost}
	case "AudienceExplanation.criteria", "AudienceExplanation.exclude", "ExplainedCriterion.rules", "ExplainedRule.rules":
		return guard.Weight{Rows: 3} // however deep they stand, they are not many: an audience is limited
	case "Subscription.campaignChanged":
		return guard.Weight{Rows: page.DefaultSize} // without ids, as many as are being sent
	case "Mutation.command":
		return guard.Weight{Cost: commandCost} // nothing in the document tells how much a command does
	}
	return guard.Weight{}
}

type requestKey struct{}

// request is what the surface knows of one HTTP request.
type request struct {
	*surface.Request
	credentials account.Credentials
	// refused tells that credentials were sent and not accepted.
	refused bool
	// proven is the caller whom the credentials were found to be before the body was read, nil where nobody looked, or
	// where they were refused.
	proven *caller.Identity
	// owner is the account of a WebSocket, 0 for none.
	owner int64
	// shared tells that operations run at the same time, which find out about their credentials each for itself.
	shared bool
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	if r == nil {
		return &request{Request: surface.RequestOf(ctx)}
	}
	return r
}

func requestID(ctx context.Context) string { return surface.RequestID(ctx) }

func credentialsRefused(ctx context.Context) bool { return requestOf(ctx).refused }

func (s *server) request(next http.Handler) http.Handler {
	return surface.Identify(
		surface.Identity{Logger: s.log},
		s.options.Requests.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			known := &request{Request: surface.RequestOf(r.Context())}
			known.credentials = account.ByToken(known.Token)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, known)))
		})),
	)
}

// operation prepares the context of an operation: its caller, its time, its loaders, and what it cost.
func (s *server) operation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Subscription {
		return s.subscription(ctx, op, next)
	}
	start := time.Now()
	// Budget and place are the operation's and not of its time, which ends when the answer is made
	// and not yet written.
	ctx, cancel := context.WithTimeout(s.admitted(ctx), s.options.Timeout)
	ctx, recorder := s.recorded(ctx)
	surface.RequestOf(ctx).Named(operationName(op))
	ctx, err := s.authenticate(ctx, op)
	if err != nil {
		cancel()
		return graphql.OneShot(s.refused(ctx, err))
	}
	responses := s.schemaGated(next(prepared(ctx, s.resolver)))
	return func(ctx context.Context) *graphql.Response {
		defer cancel()
		response := responses(ctx)
		if response == nil {
			return nil
		}
		s.bounded(ctx, op, response)
		s.cost(ctx, response, recorder)
		s.observe(ctx, op, start, response)
		return response
	}
}

// recorded returns a context whose SQL is noted, in development.
func (s *server) recorded(ctx context.Context) (context.Context, *store.Recorder) {
	if !s.options.Development {
		return ctx, nil
	}
	recorder := new(store.Recorder)
	return store.WithRecorder(ctx, recorder), recorder
}

// prepared returns a context with the loaders of a response, whose caches must not outlive it.
func prepared(ctx context.Context, r *resolver) context.Context {
	return context.WithValue(ctx, loadersKey{}, &operationLoaders{
		emails: loader.NewRows(r.Emails.ByIDs), lists: loader.NewRows(r.Services.Lists.ByIDs),
	})
}

func (s *server) observe(
	ctx context.Context, op *graphql.OperationContext, start time.Time, response *graphql.Response,
) {
	if s.options.Observe != nil {
		s.options.Observe(ctx, operationName(op), time.Since(start), len(response.Errors) > 0)
	}
}

// identified gives every error the id of its request, also those of parsing and validation.
func (s *server) identified(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil {
		return response
	}
	if len(response.Errors) > 0 {
		surface.RequestOf(ctx).FailedWith(fmt.Sprint(response.Errors[0].Extensions["code"]))
	}
	id := requestID(ctx)
	if id == "" {
		return response
	}
	for _, err := range response.Errors {
		if err.Extensions == nil {
			err.Extensions = map[string]any{}
		}
		err.Extensions["requestId"] = id
	}
	return response
}

// authenticate finds the caller of an operation that needs one, and takes a place for it. A
// credential that is refused leaves the operation without a caller: fields that need none still
// answer, such as login.
func (s *server) authenticate(ctx context.Context, op *graphql.OperationContext) (context.Context, error) {
	known := requestOf(ctx)
	if known.shared {
		own := *known
		known, ctx = &own, context.WithValue(ctx, requestKey{}, &own)
	}
	if known.credentials == (account.Credentials{}) || onlyIntrospection(op) {
		return ctx, surface.EnterNameless(ctx)
	}
	switch {
	case known.proven != nil:
		return surface.Enter(ctx, *known.proven)
	case known.refused:
		return ctx, surface.EnterNameless(ctx)
	}
	id, err := s.Accounts.Authenticate(ctx, known.credentials, kind.SurfaceGraphQL)
	switch {
	case err == nil:
		return surface.Enter(ctx, id)
	case apperr.CodeOf(err) == apperr.Unauthenticated:
		known.refused = true
		return ctx, surface.EnterNameless(ctx)
	default:
		return ctx, err
	}
}

// identify finds out who sends a body that is not small, with one statement that the operation then spares, and none
// without credentials. Larger ones than MaxBody are for callers who may write or record events.
func (s *server) identify(ctx context.Context) (surface.Grant, error) {
	known := requestOf(ctx)
	if known.credentials == (account.Credentials{}) {
		return surface.Grant{}, nil
	}
	looking, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	id, err := s.Accounts.Authenticate(looking, known.credentials, kind.SurfaceGraphQL)
	switch {
	case apperr.CodeOf(err) == apperr.Unauthenticated:
		known.refused = true
		return surface.Grant{}, nil
	case err != nil:
		s.present(ctx, err) // into the log
		return surface.Grant{}, apperr.New(apperr.Unavailable, "the server cannot tell who you are, try again")
	}
	known.proven = &id
	grant := surface.Grant{Account: id.UserID, MaxBody: s.options.MaxBody}
	if id.Scopes.Has(kind.ScopeWrite) || id.Scopes.Has(kind.ScopeDelivery) {
		grant.MaxBody = s.options.MaxBatchBody
	}
	return grant, nil
}

// ownerOfSocket returns whose WebSocket a context belongs to.
func ownerOfSocket(ctx context.Context) surface.Grant {
	return surface.Grant{Account: requestOf(ctx).owner}
}

func onlyIntrospection(op *graphql.OperationContext) bool {
	for _, selection := range op.Operation.SelectionSet {
		f, ok := selection.(*ast.Field)
		if !ok || !strings.HasPrefix(f.Name, "__") {
			return false
		}
	}
	return true
}

// cost reports in extensions.cost what an operation came to.
func (s *server) cost(ctx context.Context, response *graphql.Response, recorder *store.Recorder) {
	report := map[string]any{"complexity": guard.Complexity(ctx)}
	if recorder != nil {
		statements := recorder.Statements()
		queries := make([]string, len(statements))
		for i, statement := range statements {
			queries[i] = statement.Query
		}
		report["statements"] = queries
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["cost"] = report
}

// operationName names an operation for metrics by its root fields' kind, which clients cannot make up.
func operationName(op *graphql.OperationContext) string {
	if op.Operation == nil || len(op.Operation.SelectionSet) == 0 {
		return "unknown"
	}
	if f, ok := op.Operation.SelectionSet[0].(*ast.Field); ok {
		return f.Name
	}
	return string(op.Operation.Operation)
}

type loadersKey struct{}

// operationLoaders are the loaders of one operation.
type operationLoaders struct {
	emails *loader.Rows[*ent.Email]
	lists  *loader.Rows[*ent.SubscriberList]
}

func loaders(ctx context.Context) (*operationLoaders, error) {
	l, ok := ctx.Value(loadersKey{}).(*operationLoaders)
	if !ok {
		return nil, errors.New("graph: no loaders in this context")
	}
	return l, nil
}

func stack() string { return string(debug.Stack()) }
