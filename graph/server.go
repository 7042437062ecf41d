package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
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
	"campaignql/graph/registered"
	"campaignql/graph/transport"
	"campaignql/internal/budget"
	"campaignql/internal/gate"
	"campaignql/internal/store"
	"campaignql/internal/surface"
)

const (
	// cachedDocuments is the number of parsed and validated documents in the cache.
	cachedDocuments = 1000
	// persistedQueries is the number of automatic persisted queries in the cache.
	persistedQueries = 1000
	// defaultMaxBatchBody has room for the largest number of events or people in one mutation, with
	// 3,300 bytes for each.
	defaultMaxBatchBody        = 16 << 20
	defaultMaxAnonymousSockets = 64
	// largestKept is the length in bytes of the longest document that is cached. Every client may
	// send documents, so longer ones are not cached but parsed each time.
	largestKept = 16 << 10
)

// Options are the settings of the surface. The zero value is a production server with the limits of
// the contract.
type Options struct {
	Info   Info
	Limits guard.Limits
	// Operations, if not nil, are the only operations that are served. They must have been checked
	// against Limits.
	Operations *registered.Operations
	// MaxBody is the upper bound of a body in bytes; 1 MiB by default.
	MaxBody int64
	// MaxBatchBody is the upper bound of a body in bytes for a caller with the scope write or
	// delivery, which sends thousands of rows; 16 MiB by default.
	MaxBatchBody int64
	// Bodies admits bodies that are not small. The default has limits of its own.
	Bodies *surface.Bodies
	// Timeout is the time limit of an operation, including its SQL. For a subscription it applies
	// to each update. 30 s by default.
	Timeout time.Duration
	// MaxSocketOperations is the upper bound of concurrent operations over one WebSocket; 32 by
	// default.
	MaxSocketOperations int
	// MaxSockets is the upper bound of open WebSockets with a known caller, and MaxAccountSockets
	// the upper bound for one account; 0 means no limit. MaxAnonymousSockets is the upper bound of
	// WebSockets whose caller is not known yet; 64 by default.
	MaxSockets, MaxAccountSockets, MaxAnonymousSockets int
	// Requests limits the number of concurrent operations and the memory of their answers. The
	// default uses the default pool and does not limit the number of operations.
	Requests *surface.Requests
	// Stopping is closed when the server begins to stop. Operations that would not end on their own
	// are then ended.
	Stopping <-chan struct{}
	// Development adds suggestions to errors, and adds the SQL statements of an operation to
	// extensions.cost.
	Development bool
	// HideSchema disables introspection.
	HideSchema bool
	Logger     *slog.Logger
	// Observe, if set, is called for every operation when it has been answered.
	Observe func(ctx context.Context, operation string, took time.Duration, failed bool)
}

// server is one GraphQL endpoint.
type server struct {
	*resolver
	log     *slog.Logger
	options Options
	// sockets limits the open connections with a known caller, and lobby those without one.
	sockets *gate.Gate
	lobby   *gate.Lobby
	// schemas has a place for each operation that asks for the schema. The place is held during
	// execution.
	schemas *gate.Gate
}

// Handler returns the endpoint. It reads the credentials of a request from the Authorization header
// only after the document has passed validation, so that a rejected document costs no SQL
// statement.
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
		sockets:  gate.New("WebSockets", options.MaxSockets, options.MaxAccountSockets),
		lobby:    gate.NewLobby(options.MaxAnonymousSockets),
		schemas:  gate.New("queries for the schema", maxSchemas, maxAccountSchemas),
	}
}

// handler serves a schema.
func (s *server) handler(schema graphql.ExecutableSchema) http.Handler {
	options := s.options
	srv := handler.New(schema)
	srv.AddTransport(transport.Socket{
		Registered:    options.Operations != nil,
		MaxMessage:    options.MaxBody,
		MaxOperations: options.MaxSocketOperations,
		Init:          s.connected,
		Enter:         s.enter,
		Stopping:      options.Stopping,
		Bodies:        options.Bodies,
		Identify:      ownerOfSocket,
	})
	srv.AddTransport(transport.HTTP{
		Registered: options.Operations != nil,
		MaxBody:    options.MaxBody,
		MaxLarge:   max(options.MaxBody, options.MaxBatchBody),
		LargerWith: "a key of the scope write or delivery",
		Bodies:     options.Bodies,
		Identify:   s.identify,
		Stopping:   options.Stopping,
	})
	s.documents(srv)
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

// documents decides where the documents of requests come from: the registered ones, or the requests
// themselves.
func (s *server) documents(srv *handler.Server) {
	if registered := s.options.Operations; registered != nil {
		srv.SetQueryCache(registered)
		srv.Use(registered)
		return
	}
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
}

// operation executes an operation with its context: caller, timeout and loaders. It adds the
// operation's cost to the response.
func (s *server) operation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Subscription {
		return s.subscription(ctx, op, next)
	}
	start := time.Now()
	// Budget and place belong to the operation, not to its timeout: the timeout ends when the
	// answer is made, before it is written.
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

// recorded returns a context that records the SQL statements. It does so in development only.
func (s *server) recorded(ctx context.Context) (context.Context, *store.Recorder) {
	if !s.options.Development {
		return ctx, nil
	}
	recorder := new(store.Recorder)
	return store.WithRecorder(ctx, recorder), recorder
}

// prepared returns a context with the loaders of a response. Their caches must not outlive the
// response. In a mutation each call gets new ones, because its fields change rows between the reads.
func prepared(ctx context.Context, r *resolver) context.Context {
	get := func() *operationLoaders {
		return &operationLoaders{
			emails: loader.NewRows(r.Emails.ByIDs), lists: loader.NewRows(r.Services.Lists.ByIDs),
			contacts: loader.NewRows(r.Services.Contacts.ByIDs), segments: loader.NewRows(r.Segments.ByIDs),
			fields: loader.NewRows(r.Fields.ByIDs), labels: loader.NewRows(r.SubscriberTags.ByIDs),
			users: loader.NewRows(r.Accounts.UsersByIDs), keys: loader.NewRows(r.Accounts.KeysByIDs),
		}
	}
	if graphql.GetOperationContext(ctx).Operation.Operation != ast.Mutation {
		shared := get()
		get = func() *operationLoaders { return shared }
	}
	return context.WithValue(ctx, loadersKey{}, get)
}

func (s *server) observe(
	ctx context.Context, op *graphql.OperationContext, start time.Time, response *graphql.Response,
) {
	if s.options.Observe != nil {
		s.options.Observe(ctx, operationName(op), time.Since(start), len(response.Errors) > 0)
	}
}

// identified adds the request id to every error, including errors of parsing and validation.
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

// cost adds the cost of an operation to extensions.cost.
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

// operationName returns the name of an operation for metrics. It is the name of the first root
// field, which a client cannot choose freely.
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
	emails   *loader.Rows[*ent.Email]
	lists    *loader.Rows[*ent.SubscriberList]
	contacts *loader.Rows[*ent.Contact]
	segments *loader.Rows[*ent.Segment]
	fields   *loader.Rows[*ent.CustomField]
	labels   *loader.Rows[*ent.SubscriberTag]
	users    *loader.Rows[*ent.User]
	keys     *loader.Rows[*ent.APIKey]
}

func loaders(ctx context.Context) (*operationLoaders, error) {
	get, ok := ctx.Value(loadersKey{}).(func() *operationLoaders)
	if !ok {
		return nil, errors.New("graph: no loaders in this context")
	}
	return get(), nil
}

func stack() string { return string(debug.Stack()) }
