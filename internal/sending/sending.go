// Package sending owns how a campaign goes out: its runs, their recipients with what became of each,
// and the work of the built-in sender. It must not know how a campaign is made ready, what a message
// looks like, or how SMTP works: those are the packages campaign, message and mailer.
//
// All that the sender knows is in rows, so that any server can go on with what another one began:
//
//   - A run is one sending of a campaign. Its phase is freezing while its recipients are written
//     down, then sending, and done at the end; canceling instead if the campaign was canceled.
//   - A batch is a range of recipients on which one server works at a time. A claim increments its
//     fence and sets a lease. Whoever has an older fence has lost the batch.
//   - A recipient is begun before anything of its message goes on the wire, and settled by the token
//     of that attempt. If a server dies in between, the next owner of the batch makes the recipient
//     unknown: the message may have been handed over, so it is not sent again.
//
// One transaction, [Service.turn], settles a burst of recipients and begins the next. It holds the
// lock of the campaign, so that nobody is begun after a pause was answered. Locks are taken in the
// order recipients that are settled, contacts, campaign, run, batch, recipients that are begun. A
// deadlock is possible only with a server that has lost its batch, and is retried.
//
// Times are those of the database.
package sending

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"campaignql/ent"
	"campaignql/internal/audience/query"
	"campaignql/internal/campaign"
	"campaignql/internal/event"
	"campaignql/internal/mailer"
	"campaignql/internal/store"
)

// Defaults of Options.
const (
	DefaultConnections = 8
	DefaultBurst       = 64
	DefaultLease       = time.Minute
	DefaultGiveUp      = 24 * time.Hour
	DefaultMaxLateness = 4 * time.Hour
	defaultTick        = time.Second
	defaultBatch       = 1000
)

// Campaigns are the campaigns that are sent. The methods act for the sender, see [campaign.Service].
type Campaigns interface {
	Due(ctx context.Context, now time.Time, most int) ([]int64, error)
	Start(ctx context.Context, id int64, start campaign.Start) error
	Finish(ctx context.Context, id int64, end campaign.End) error
	Hold(ctx context.Context, id int64, reason string) error
	LockSending(ctx context.Context, id int64, begins bool) (bool, error)
	AddRecipients(ctx context.Context, id, n int64) error
	Retry(ctx context.Context, call campaign.Call, retry campaign.Retry) (*ent.Campaign, error)
	SentHere(ctx context.Context, call campaign.Call) (*ent.Campaign, error)
	Resolved(
		ctx context.Context, id int64, counted func(reason string) bool, is, history string,
	) (*ent.Campaign, error)
	Get(ctx context.Context, id int64, columns ...string) (*ent.Campaign, error)
}

// Audiences find the recipients of a run.
type Audiences interface {
	Prepare(ctx context.Context, target query.Target) (query.Target, error)
	Ranges(ctx context.Context, target query.Target, after int64, size int) ([]int64, error)
	Contacts(ctx context.Context, target query.Target, after, last int64, constants ...int64) (query.Selection, error)
}

// Events record what became of messages.
type Events interface {
	RecordWithin(ctx context.Context, r *event.Recording, events []event.Event) error
	SettleWithin(ctx context.Context, r *event.Recording, events []event.Event) error
	RetractFailures(ctx context.Context, campaignID int64, ids []string) error
}

// Services are the domains that sending depends on.
type Services struct {
	Campaigns Campaigns
	Audiences Audiences
	Events    Events
}

// Options are the settings of a Service. The zero value of each selects its default.
type Options struct {
	// Now is the clock. Default: that of the database.
	Now func() time.Time
	// Route is the way to the mail server. Without it nothing is sent: campaigns stay Ready.
	Route *mailer.Route
	// UnsubscribeURL returns the link by which a recipient of a run leaves. Without it campaigns stay
	// Ready, because a message without such a link must not go out.
	UnsubscribeURL func(runID, contactID int64) string
	// Connections is the number of connections to the mail server.
	Connections int
	// Burst is the number of recipients that are begun at a time on this server.
	Burst int
	// Lease is how long a batch belongs to a server that does not answer any more.
	Lease time.Duration
	// GiveUp is how long after its first attempt a message is tried again.
	GiveUp time.Duration
	// InDoubt is what becomes of recipients whose answer was lost. Default: HoldInDoubt.
	InDoubt InDoubt
	// MaxLateness is how long after its time a campaign still starts by itself.
	MaxLateness time.Duration
	// Tick is how often the sender looks for work.
	Tick time.Duration
	Log  *slog.Logger

	// batch is the number of recipients of a batch.
	batch int
}

// Service sends campaigns. Its methods are safe for concurrent use, also by several servers on one
// database. They act as [caller.Sender].
type Service struct {
	db *store.Store
	Services
	Options
	// owner names this process in the batches that it has claimed.
	owner    string
	breaker  *breaker
	contents *contents
	tests    *testLimit
	results  tally
	// between, if set, runs between the transactions of Retry, for tests.
	between func()
	// wake tells a worker that there may be work.
	wake chan struct{}
	// turns is the run that was served last, so that campaigns take turns.
	turns struct {
		sync.Mutex
		last int64
	}
}

// New returns a Service. It does nothing before Run.
func New(db *store.Store, services Services, opts Options) *Service {
	set(&opts.Connections, DefaultConnections)
	set(&opts.Burst, DefaultBurst)
	set(&opts.Lease, DefaultLease)
	set(&opts.GiveUp, DefaultGiveUp)
	set(&opts.InDoubt, HoldInDoubt)
	set(&opts.MaxLateness, DefaultMaxLateness)
	set(&opts.Tick, defaultTick)
	set(&opts.batch, defaultBatch)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		db: db, Services: services, Options: opts, owner: uuid.NewString(), breaker: newBreaker(),
		tests: newTestLimit(), results: newTally(), wake: make(chan struct{}, 1),
	}
	s.contents = newContents(s)
	return s
}

func set[T comparable](option *T, otherwise T) {
	var zero T
	if *option == zero {
		*option = otherwise
	}
}

// now returns the present time.
func (s *Service) now(ctx context.Context) (time.Time, error) {
	if s.Now != nil {
		return store.Truncate(s.Now()), nil
	}
	return s.db.Clock(ctx)
}

// Gaps of the installation. They hold a campaign in Ready.
const (
	GapDeliveryServer = "DELIVERY_SERVER"
	GapPublicURL      = "PUBLIC_URL"
)

// Missing returns what the installation lacks to send anything at all.
func (s *Service) Missing() []campaign.Gap {
	var gaps []campaign.Gap
	if s.Route == nil {
		gaps = append(gaps, campaign.Gap{
			Code: GapDeliveryServer, Message: "the server has no mail server to send through: see --smtp",
		})
	}
	if s.UnsubscribeURL == nil {
		gaps = append(gaps, campaign.Gap{
			Code: GapPublicURL, Message: "links need the server's address: see --public-url",
		})
	}
	return gaps
}

// run is what the sender has to know of a run.
type run struct {
	id, owner, campaign, epoch int64
}

func runOf(r *ent.CampaignRun) run { return run{r.ID, r.UserID, r.CampaignID, r.Epoch} }
