// Package command owns the Command bridge. It reads the requests of the legacy API (POST
// Command=Campaign.Pause&…), calls the domain services with their own input types, and writes the
// legacy envelope with the same shapes and codes. It must not contain rules or queries: the service
// methods that GraphQL also calls decide what a command may do.
package command

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/field"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/sending"
	"campaignql/internal/statistics"
	"campaignql/internal/surface"
	"campaignql/internal/tag"
)

// DefaultMaxBody is the default maximum size of a request body, in bytes.
const DefaultMaxBody = 10 << 20

// defaultTimeout is the default timeout of a command.
const defaultTimeout = 30 * time.Second

// Services are the domain services that the commands call.
type Services struct {
	Accounts    *account.Service
	Audiences   *query.Service
	Campaigns   *campaign.Service
	Contacts    *contact.Service
	Emails      *content.Service
	Events      *event.Service
	Fields      *field.Service
	Lists       *list.Service
	Sending     *sending.Service
	Statistics  *statistics.Service
	Subscribers *subscriber.Service
	Tags        *tag.Service
}

// Options are the settings of a Bridge. The zero value selects the defaults.
type Options struct {
	// MaxBody is the maximum size of a body in bytes; a larger body gets status 413. Default
	// DefaultMaxBody.
	MaxBody int64
	// Bodies admits request bodies that are not small. By default the bridge has its own limits.
	Bodies *surface.Bodies
	// Timeout is the timeout of a command, including its SQL. For a streamed list it applies to
	// each interval between two writes. Default 30 s.
	Timeout time.Duration
	// Logger receives each server fault once. Default slog.Default().
	Logger *slog.Logger
	// RequestID returns the id with which a fault is logged and answered. By default each fault has
	// a random id.
	RequestID func(context.Context) string
	// Observe, if set, is called for every request with the declared name of its command (empty if
	// the command is unknown), the outcome and the duration.
	Observe func(command string, outcome Outcome, took time.Duration)
}

// Outcome is the result of a request.
type Outcome string

const (
	// Succeeded means that the envelope says Success.
	Succeeded Outcome = "success"
	// Refused means that the caller is at fault.
	Refused Outcome = "refused"
	// Failed means that the server is at fault.
	Failed Outcome = "failed"
)

// Bridge answers commands. Its methods are safe for concurrent use.
type Bridge struct {
	Services
	opts     Options
	commands []Command
	byName   map[string]*Command
}

// New returns a bridge over the services.
func New(services Services, opts Options) *Bridge {
	if opts.MaxBody == 0 {
		opts.MaxBody = DefaultMaxBody
	}
	if opts.Bodies == nil {
		opts.Bodies = surface.NewBodies(surface.BodyLimits{})
	}
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.RequestID == nil {
		opts.RequestID = func(context.Context) string { return rand.Text() }
	}
	if opts.Observe == nil {
		opts.Observe = func(string, Outcome, time.Duration) {}
	}
	b := &Bridge{Services: services, opts: opts, byName: map[string]*Command{}}
	b.commands = slices.Concat(
		b.userCommands(), b.campaignCommands(), b.recipientCommands(), b.tagCommands(), b.emailCommands(),
		b.previewCommands(), b.listCommands(), b.subscriberCommands(),
	)
	for i := range b.commands {
		b.byName[fold(b.commands[i].Name)] = &b.commands[i]
	}
	return b
}

// Commands returns the declarations of all commands.
func (b *Bridge) Commands() []Command { return slices.Clone(b.commands) }

// Execute runs one command for the caller of ctx, as the GraphQL field command does. parameters is
// any value that encodes as a JSON object, or the text of one as a json.RawMessage. If the command
// fails or is unknown, the Response contains the failure. A list without limit is read, completely,
// while the Response is marshaled.
func (b *Bridge) Execute(ctx context.Context, name string, parameters any) Response {
	p, err := parametersOf(parameters)
	if err != nil {
		return unreadable(err)
	}
	return b.execute(ctx, name, p, nil)
}

// execute finds and runs a command. identify, if not nil, returns the context of the caller.
func (b *Bridge) execute(
	ctx context.Context, name string, p Parameters, identify func(ctx context.Context) (context.Context, error),
) Response {
	cmd := b.find(name)
	if cmd == nil {
		return unknownCommand(name)
	}
	response := b.run(ctx, cmd, p, identify)
	response.Command, response.Operation = cmd.Name, cmd.Operation
	return response
}

// find returns the command with this name, or nil.
func (b *Bridge) find(name string) *Command { return b.byName[fold(strings.TrimSpace(name))] }

func (b *Bridge) run(
	ctx context.Context, cmd *Command, p Parameters, identify func(ctx context.Context) (context.Context, error),
) Response {
	if !cmd.Public {
		var err error
		if identify != nil {
			ctx, err = identify(ctx)
		} else {
			_, err = caller.From(ctx)
		}
		if err != nil {
			return b.failure(ctx, cmd, err)
		}
	} else if err := surface.EnterNameless(ctx); err != nil {
		return turnedAway(surface.Public(err))
	}
	body, err := cmd.run(ctx, p)
	if err != nil {
		return b.failure(ctx, cmd, err)
	}
	return Response{Status: http.StatusOK, Outcome: Succeeded, Body: body}
}

// success returns the envelope of a successful command.
func success(members ...Member) Object {
	return append(Object{{"Success", true}, {"ErrorCode", 0}}, members...)
}

// absent returns a fault if one of the required parameters is missing or blank, or nil.
func absent(p Parameters, names ...string) error {
	var faults apperr.Faults
	for _, name := range names {
		if !p.Has(name) {
			faults.Add(apperr.InvalidField(name, apperr.ReasonParameterMissing, "is missing"))
		}
	}
	return faults.Err()
}

// notSent is like absent, but leaves blank texts to the domain.
func notSent(p Parameters, names ...string) error {
	var faults apperr.Faults
	for _, name := range names {
		if p.Text(name) == "" {
			faults.Add(apperr.InvalidField(name, apperr.ReasonParameterMissing, "is missing"))
		}
	}
	return faults.Err()
}

// fold normalizes a name for comparison without regard to case.
func fold(name string) string { return strings.ToLower(name) }
