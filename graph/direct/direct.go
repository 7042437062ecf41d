// Package direct answers the reads that a list or a page of campaigns is made of without the executor: it compiles the selection into a writer once for
// a request and then writes row after row, where the executor starts a context and often a goroutine for every field of every row.
//
// The resolvers are the same, and the answer is the executor's byte for byte. What direct does not know, be it one field of the whole operation, is the
// executor's; and so is every failure: after one the executor runs the operation anew and words the errors.
package direct

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/exec"
	"campaignql/graph/model"
)

// schema is an executable schema in front of another.
type schema struct {
	graphql.ExecutableSchema
	resolvers exec.ResolverRoot
}

// Schema returns an executable schema that answers what it can by itself, from the resolvers of executor, and leaves the rest to it.
func Schema(executor graphql.ExecutableSchema, resolvers exec.ResolverRoot) graphql.ExecutableSchema {
	return &schema{executor, resolvers}
}

// Exec implements [graphql.ExecutableSchema].
func (s *schema) Exec(ctx context.Context) graphql.ResponseHandler {
	plan := s.plan(graphql.GetOperationContext(ctx))
	if plan == nil {
		return s.ExecutableSchema.Exec(ctx)
	}
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		if data := run(ctx, plan); data != nil {
			return &graphql.Response{Data: data}
		}
		return s.ExecutableSchema.Exec(ctx)(ctx)
	}
}

// initialSize is what a response takes at first, in bytes: most pages fit.
const initialSize = 8 << 10

// run returns the data, nil after a failure. A panic is one as well; the executor meets it again and reports it.
func run(ctx context.Context, plan put[struct{}]) (data []byte) {
	defer func() {
		if recover() != nil {
			data = nil
		}
	}()
	w := &writer{ctx: ctx, buf: make([]byte, 0, initialSize)}
	plan(w, struct{}{})
	if w.err != nil {
		return nil
	}
	return w.buf
}

// plan compiles an operation, nil where the executor is needed. A panic of gqlgen's over the selection is left to the executor as well, to report.
func (s *schema) plan(op *graphql.OperationContext) (plan put[struct{}]) {
	defer func() {
		if recover() != nil {
			plan = nil
		}
	}()
	if op.Operation.Operation != ast.Query {
		return nil
	}
	query := table[struct{}]{name: "Query", fields: map[string]entry[struct{}]{"campaign": s.campaign, "campaigns": s.campaigns, "tags": s.tags}}
	return query.compile(&compiler{op, s.resolvers}, op.Operation.SelectionSet)
}

func (s *schema) campaign(c *compiler, f graphql.CollectedField) put[struct{}] {
	return root(f, nullable(campaigns.compile(c, f.Selections)), func(ctx context.Context, args map[string]any) (*model.Campaign, error) {
		return s.resolvers.Query().Campaign(ctx, args["id"].(string))
	})
}

func (s *schema) campaigns(c *compiler, f graphql.CollectedField) put[struct{}] {
	return root(f, campaignConnections.compile(c, f.Selections), func(ctx context.Context, args map[string]any) (*model.CampaignConnection, error) {
		return s.resolvers.Query().Campaigns(ctx, args["filter"].(*model.CampaignFilter), args["orderBy"].(*model.CampaignOrder), args["first"].(*int32),
			args["after"].(*string), args["last"].(*int32), args["before"].(*string), args["offset"].(*int32))
	})
}

func (s *schema) tags(c *compiler, f graphql.CollectedField) put[struct{}] {
	return root(f, tagConnections.compile(c, f.Selections), func(ctx context.Context, args map[string]any) (*model.TagConnection, error) {
		return s.resolvers.Query().Tags(ctx, args["search"].(*string), args["first"].(*int32), args["after"].(*string), args["last"].(*int32),
			args["before"].(*string))
	})
}

// root writes what a resolver of Query returns for a field. The context of the resolver knows the field, as it does from the executor.
func root[T any](f graphql.CollectedField, write put[T], resolve func(ctx context.Context, args map[string]any) (T, error)) put[struct{}] {
	if write == nil {
		return nil
	}
	return func(w *writer, _ struct{}) {
		if w.err != nil {
			return
		}
		args, err := exec.QueryArguments(w.ctx, f)
		if err != nil {
			w.err = err
			return
		}
		ctx := graphql.WithFieldContext(w.ctx, &graphql.FieldContext{Object: "Query", Field: f, Args: args, IsMethod: true, IsResolver: true})
		value, err := resolve(ctx, args)
		if err != nil {
			w.err = fmt.Errorf("%s: %w", f.Name, err)
			return
		}
		write(w, value)
	}
}
