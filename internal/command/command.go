// Package command owns the Command bridge: it reads the requests of the legacy API (POST
// Command=Campaign.Pause&…), calls the domains with inputs of theirs, and answers in the legacy
// envelope, shape for shape and code for code. It holds no rule of campaigns and no query: what a
// command may do is decided by the same service methods that GraphQL calls.
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
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/statistics"
	"campaignql/internal/surface"
	"campaignql/internal/tag"
)

// DefaultMaxBody is the largest body of a request, in bytes.
const DefaultMaxBody = 10 << 20

// defaultTimeout is the longest time of a command.
const defaultTimeout = 30 * time.Second

// Services are the domains that the commands call.
type Services struct {
	Accounts    *account.Service
	Campaigns   *campaign.Service
	Emails      *content.Service
	Lists       *list.Service
	Statistics  *statistics.Service
	Subscribers *subscriber.Service
	Tags        *tag.Service
}

// Options are the settings of a Bridge. The zero value takes the defaults.
type Options struct {
	// MaxBody is the largest body in bytes; a larger one is answered with status 413. Default DefaultMaxBody.
	MaxBody int64
	// Bodies admits bodies that are not small. Default: limits of its own.
	Bodies *surface.Bodies
	// Timeout ends a command, its SQL included; of a list that is streamed each stretch between two
	// writes. Default 30 s.
	Timeout time.Duration
	// Logger receives server faults, each once. Default slog.Default().
	Logger *slog.Logger
	// RequestID tells the id under which a fault is logged and answered. Default: a random one for each fault.
	RequestID func(context.Context) string
	// Observe, if set, is told of every request: the declared name of its command (empty when there
	// was none), how it ended and how long it took.
	Observe func(command string, outcome Outcome, took time.Duration)
}

// Outcome is how a request ended.
type Outcome string

const (
	// Succeeded: the envelope says Success.
	Succeeded Outcome = "success"
	// Refused: the fault is the caller's.
	Refused Outcome = "refused"
	// Failed: the fault is the server's.
	Failed Outcome = "failed"
)

// Bridge answers commands. Its methods may be called from many goroutines.
type Bridge struct {
	Services
	opts     Options
	commands []Command
	byName   map[string]*Command
}

// New returns the bridge over the services.
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
		b.userCommands(), b.campaignCommands(), b.tagCommands(), b.emailCommands(), b.listCommands(),
		b.subscriberCommands(),
	)
	for i := range b.commands {
		b.byName[fold(b.commands[i].Name)] = &b.commands[i]
	}
	return b
}

// Commands returns the declarations of all commands.
func (b *Bridge) Commands() []Command { return slices.Clone(b.commands) }

// Execute runs one command for the caller of ctx, as the GraphQL field command does. Parameters are
// anything that JSON can say as one object, or its text as a json.RawMessage. A failure of the
// command, an unknown command included, is a Response like any other. A list without limit is read
// while the Response is marshalled, and whole.
func (b *Bridge) Execute(ctx context.Context, name string, parameters any) Response {
	p, err := parametersOf(parameters)
	if err != nil {
		return unreadable(err)
	}
	return b.execute(ctx, name, p, nil)
}

// execute finds and runs a command. identify, if set, returns the context of the caller.
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

// find returns the command of a name, nil for none.
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

// success begins the envelope of a command that worked.
func success(members ...Member) Object {
	return append(Object{{"Success", true}, {"ErrorCode", 0}}, members...)
}

// absent is the fault that required parameters were not given, or hold nothing but blanks; nil when all were.
func absent(p Parameters, names ...string) error {
	var faults apperr.Faults
	for _, name := range names {
		if !p.Has(name) {
			faults.Add(apperr.InvalidField(name, apperr.ReasonParameterMissing, "is missing"))
		}
	}
	return faults.Err()
}

// notSent is like absent, but leaves a text of blanks to the domain.
func notSent(p Parameters, names ...string) error {
	var faults apperr.Faults
	for _, name := range names {
		if p.Text(name) == "" {
			faults.Add(apperr.InvalidField(name, apperr.ReasonParameterMissing, "is missing"))
		}
	}
	return faults.Err()
}

// fold makes names comparable without regard to case.
func fold(name string) string { return strings.ToLower(name) }
