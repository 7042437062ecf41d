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

// operation is one that runs over a connection.
type operation struct {
	id     string
	cancel context.CancelFunc
	// endless is whether it is a subscription. The connection's lock guards it.
	endless bool
}

// subscribe begins an operation of any kind. The body is released when it has ended.
func (c *socket) subscribe(m message, body *surface.Body) *Closing {
	var p payload
	params := &graphql.RawParams{Headers: c.header}
	if m.ID == "" || len(m.ID) > maxIDLength || json.Unmarshal(m.Payload, &p) != nil || take(params, &p) != nil {
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
		// Not under the lock: who reads slowly must not hold up what needs it.
		c.refuse(m.ID, refused)
	}
	return closing
}

// begin starts an operation, unless the connection is to be closed for it or it is refused.
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

// afterwards is what is called when an operation is wholly over.
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

// AfterOperation calls done when the operation of a context is over and nothing of its answer is
// held any more, which is later than the end of the context: a client may complete an operation
// while its answer waits to be written. It reports false, and calls nothing, in the context of a
// single HTTP request.
func AfterOperation(ctx context.Context, done func()) bool {
	after, ok := ctx.Value(afterKey{}).(*afterwards)
	if ok {
		after.mu.Lock()
		defer after.mu.Unlock()
		after.calls = append(after.calls, done)
	}
	return ok
}

// operate runs an operation to its end and tells the client what came of it. The id is free before
// the end is told: the client may use it again at once.
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
	completed := ctx.Err() != nil // by the client, or with the server
	c.forget(op)
	if failed != nil {
		c.fail(op.id, failed)
	} else if !completed {
		c.send(message{ID: op.id, Type: "complete"})
	}
}

// admit notes the kind of an operation, and reports whether it may run: a subscription may not when
// the server has begun to stop meanwhile.
func (c *socket) admit(op *operation, kind ast.Operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	op.endless = kind == ast.Subscription
	return !op.endless || !c.stopping
}

// respond sends the responses one after the other, and returns the errors that end the operation, nil for none.
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
			return nil // completed by the client while it was made
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

// refuse answers an operation that is not begun.
func (c *socket) refuse(id string, f *fault) {
	resp := c.exec.DispatchError(
		graphql.WithOperationContext(c.connection.Context, &graphql.OperationContext{Headers: c.header}),
		gqlerror.List{f.graphQL()},
	)
	c.fail(id, resp.Errors)
}

// forget frees the id of an operation that has ended, unless the client has given it to another
// already. It may be called again.
func (c *socket) forget(op *operation) {
	op.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active[op.id] == op {
		delete(c.active, op.id)
	}
}
