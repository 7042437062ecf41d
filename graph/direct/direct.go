// Package direct answers the reads that a list or a page of campaigns is made of without the
// executor: it compiles the selection into a writer once for a request and then writes row after
// row, where the executor starts a context and often a goroutine for every field of every row.
//
// The resolvers are the same, and the data is the executor's byte for byte, also where a field
// fails or panics. An operation with a field that direct does not know is left to the executor as a
// whole, before anything of it has run.
package direct

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/exec"
	"campaignql/graph/model"
	"campaignql/internal/budget"
)

// schema is an executable schema in front of another.
type schema struct {
	graphql.ExecutableSchema
	resolvers exec.ResolverRoot
}

// Schema returns an executable schema that answers what it can by itself, from the resolvers of
// executor, and leaves the rest to it.
func Schema(executor graphql.ExecutableSchema, resolvers exec.ResolverRoot) graphql.ExecutableSchema {
	return &schema{executor, resolvers}
}

// Exec implements [graphql.ExecutableSchema].
func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	plan, ok := s.planned(ctx)
	if !ok {
		return nil // the error is in ctx
	}
	if plan == nil {
		return s.ExecutableSchema.Exec(ctx)
	}
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		return &graphql.Response{Data: run(ctx, plan)}
	}
}

// initialSize is what a response takes at first, in bytes: most pages fit.
const initialSize = 8 << 10

// run returns the data. Errors are in ctx, as those of the executor are.
func run(ctx context.Context, plan put[struct{}]) []byte {
	w := &writer{ctx: ctx, buf: make([]byte, 0, initialSize), budget: budget.From(ctx)}
	plan(w, struct{}{})
	if w.failed {
		return []byte("null")
	}
	return w.buf
}

// planned compiles the operation of ctx. A panic over the selection is reported, and nothing runs.
func (s *schema) planned(ctx context.Context) (plan put[struct{}], ok bool) {
	defer func() {
		if value := recover(); value != nil {
			graphql.AddError(ctx, graphql.GetOperationContext(ctx).Recover(ctx, value))
		}
	}()
	return s.plan(graphql.GetOperationContext(ctx)), true
}

// plan compiles an operation, nil where the executor is needed.
func (s *schema) plan(op *graphql.OperationContext) put[struct{}] {
	if op.Operation.Operation != ast.Query {
		return nil
	}
	query := table[struct{}]{
		name:   "Query",
		fields: map[string]entry[struct{}]{"campaign": s.campaign, "campaigns": s.campaigns, "tags": s.tags},
	}
	return query.compile(&compiler{op, s.resolvers}, op.Operation.SelectionSet)
}

func (s *schema) campaign(c *compiler, f graphql.CollectedField) put[struct{}] {
	return root(
		f, nullable(campaigns.compile(c, f.Selections)),
		func(ctx context.Context, args map[string]any) (*model.Campaign, error) {
			return s.resolvers.Query().Campaign(ctx, args["id"].(string))
		},
	)
}

func (s *schema) campaigns(c *compiler, f graphql.CollectedField) put[struct{}] {
	return root(
		f, campaignConnections.compile(c, f.Selections),
		func(ctx context.Context, args map[string]any) (*model.CampaignConnection, error) {
			return s.resolvers.Query().
				Campaigns(ctx, args["filter"].(*model.CampaignFilter), args["orderBy"].(*model.CampaignOrder), args["first"].(*int32),
					args["after"].(*string), args["last"].(*int32), args["before"].(*string), args["offset"].(*int32))
		},
	)
}

func (s *schema) tags(c *compiler, f graphql.CollectedField) put[struct{}] {
	return root(
		f, tagConnections.compile(c, f.Selections),
		func(ctx context.Context, args map[string]any) (*model.TagConnection, error) {
			return s.resolvers.Query().
				Tags(ctx, args["search"].(*string), args["first"].(*int32), args["after"].(*string), args["last"].(*int32),
					args["before"].(*string))
		},
	)
}

// root writes what a resolver of Query returns for a field. The context of the resolver knows the
// field, as it does from the executor.
func root[T any](
	f graphql.CollectedField, write put[T], resolve func(ctx context.Context, args map[string]any) (T, error),
) put[struct{}] {
	if write == nil {
		return nil
	}
	return func(w *writer, _ struct{}) {
		args, err := exec.QueryArguments(w.ctx, f)
		if err != nil {
			w.fail(err)
			return
		}
		ctx := graphql.WithFieldContext(
			w.ctx, &graphql.FieldContext{Object: "Query", Field: f, Args: args, IsMethod: true, IsResolver: true},
		)
		value, err := resolve(ctx, args)
		if err != nil {
			w.fail(err)
			return
		}
		write(w, value)
	}
}
