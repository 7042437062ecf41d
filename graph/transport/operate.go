package transport

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/surface"
)

// operation is an operation that runs over a connection.
type operation struct {
	id     string
	cancel context.CancelFunc
	// endless reports whether the operation is a subscription. The connection's lock guards it.
	endless bool
}

// subscribe starts an operation of any kind. The body is released when the operation has ended.
func (c *socket) subscribe(m message, body *surface.Body) *Closing {
	var p payload
	params := &graphql.RawParams{Headers: c.header}
	if m.ID == "" || len(m.ID) > maxIDLength || json.Unmarshal(m.Payload, &p) != nil ||
		take(params, &p, c.Registered) != nil {
		body.Release()
		return &Closing{CloseInvalid, "Invalid message received"}
	}
	select {
	case c.places <- struct{}{}:
	case <-c.ctx.Done():
		body.Release()
		return nil
	}
	closing, refused := c.begin(m.ID, params, body)
	if closing != nil || refused != nil {
		<-c.places
		body.Release()
	}
	if refused != nil {
		// This runs without the lock: a client that reads slowly must not block other users of the
		// lock.
		c.refuse(m.ID, refused)
	}
	return closing
}

// begin starts an operation. Instead it returns a Closing if the connection must be closed, or a
// fault if the operation is rejected.
func (c *socket) begin(id string, params *graphql.RawParams, body *surface.Body) (*Closing, *fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.active[id] != nil:
		return &Closing{CloseDuplicate, "Subscriber for " + id + " already exists"}, nil
	case c.ended:
		return nil, refuse(0, codeUnauthenticated, "the API key or session has ended")
	case c.stopping:
		return nil, refuse(0, CodeUnavailable, "the server is stopping")
	case len(c.active) >= c.MaxOperations:
		return nil, refuse(0, CodeRateLimited, "this connection runs as many operations as it may: complete one first")
	}
	after := new(afterwards)
	ctx, cancel := context.WithCancel(context.WithValue(c.connection.Context, afterKey{}, after))
	op := &operation{id: id, cancel: cancel}
	c.active[id] = op
	c.running.Go(func() {
		defer body.Release()
		defer after.run()
		c.operate(ctx, op, params)
	})
	return nil, nil
}

type afterKey struct{}

// afterwards holds the functions to call when an operation is completely over.
type afterwards struct {
	mu    sync.Mutex
	calls []func()
}

func (a *afterwards) run() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, call := range a.calls {
		call()
	}
}

// AfterOperation calls done when the operation of ctx is over and no part of its answer is held in
// memory any more. This can be later than the end of the context: a client may complete an
// operation while its answer waits to be written. In the context of a single HTTP request,
// AfterOperation returns false and never calls done.
func AfterOperation(ctx context.Context, done func()) bool {
	after, ok := ctx.Value(afterKey{}).(*afterwards)
	if ok {
		after.mu.Lock()
		defer after.mu.Unlock()
		after.calls = append(after.calls, done)
	}
	return ok
}

// operate runs an operation to its end and sends the result to the client. It frees the id before
// it sends the last message, because the client may use the id again at once.
func (c *socket) operate(ctx context.Context, op *operation, params *graphql.RawParams) {
	defer func() { <-c.places }()
	defer c.forget(op)
	ctx = graphql.StartOperationTrace(ctx)
	params.ReadTime.Start = graphql.Now()
	params.ReadTime.End = params.ReadTime.Start
	doc, errs := c.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		c.forget(op)
		c.fail(op.id, c.exec.DispatchError(graphql.WithOperationContext(ctx, doc), errs).Errors)
		return
	}
	if !c.admit(op, doc.Operation.Operation) {
		return
	}
	failed := c.respond(ctx, op, doc)
	completed := ctx.Err() != nil // by the client, or because the server stops
	c.forget(op)
	if failed != nil {
		c.fail(op.id, failed)
	} else if !completed {
		c.send(message{ID: op.id, Type: "complete"})
	}
}

// admit stores the kind of an operation and reports whether the operation may run. A subscription
// may not run if the server has begun to stop in the meantime.
func (c *socket) admit(op *operation, kind ast.Operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	op.endless = kind == ast.Subscription
	return !op.endless || !c.stopping
}

// respond sends the responses one after the other. It returns the errors that end the operation, or
// nil if there are none.
func (c *socket) respond(ctx context.Context, op *operation, doc *graphql.OperationContext) (failed gqlerror.List) {
	defer func() {
		if value := recover(); value != nil {
			failed = panicked(ctx, c.exec, doc, value).Errors
		}
	}()
	respond, inner := c.exec.DispatchOperation(ctx, doc)
	endless := doc.Operation.Operation == ast.Subscription
	for told := false; endless || !told; told = true {
		resp := respond(inner)
		switch {
		case resp == nil && !endless && ctx.Err() == nil:
			return gqlerror.List{interrupted(inner).graphQL()}
		case resp == nil:
			return nil
		case resp.Data == nil:
			return resp.Errors
		case resp.HasNext != nil && *resp.HasNext:
			return gqlerror.List{refuse(0, CodeBadRequest, "@defer is not supported").graphQL()}
		}
		if ctx.Err() != nil {
			return nil // the client completed the operation while the response was made
		}
		c.next(op.id, resp)
	}
	return nil
}

func (c *socket) fail(id string, errs gqlerror.List) {
	classify(errs)
	text, err := json.Marshal(errs)
	if err != nil {
		text = []byte(`[{"message":"The error could not be encoded.","extensions":{"code":"` + CodeInternal + `"}}]`)
	}
	c.send(message{ID: id, Type: "error", Payload: text})
}

// refuse answers an operation that is not started.
func (c *socket) refuse(id string, f *fault) {
	resp := c.exec.DispatchError(
		graphql.WithOperationContext(c.connection.Context, &graphql.OperationContext{Headers: c.header}),
		gqlerror.List{f.graphQL()},
	)
	c.fail(id, resp.Errors)
}

// forget frees the id of an operation that has ended, unless the client has used the id for another
// operation already. It may be called more than once.
func (c *socket) forget(op *operation) {
	op.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active[op.id] == op {
		delete(c.active, op.id)
	}
}
