// Package export owns what can be taken out of a campaign's statistics as a file: which columns it
// has, in what order the rows come, and how cells are written as CSV and JSON. It knows nothing of
// HTTP, nor of who may have a link to a file.
package export

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
)

// Content is what a file holds.
type Content string

// The contents.
const (
	// Series is what happened over time: a row for each point of statistics.Series.
	Series Content = "series"
	// Links are all links of the campaign, most clicked first.
	Links Content = "links"
	// Activity is every event of the campaign, in the order of their keys: always the same, but not that of time.
	Activity Content = "activity"
)

// Format is how a file is written.
type Format string

// The formats.
const (
	// CSV is that of RFC 4180 in UTF-8, with a header line. What is unknown is empty. A text that a
	// spreadsheet would take for a formula has an apostrophe before it.
	CSV Format = "csv"
	// JSON is one array with an object on each line. What is unknown is null.
	JSON Format = "json"
)

// Request says what is to be exported.
type Request struct {
	CampaignID int64
	Content    Content
	Format     Format
	// Span bounds Series, and with From and To also Activity. Links are not counted by time.
	Span statistics.Span
}

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
	// PageTimeout bounds the reading of one page of a file. Default 30 s.
	PageTimeout time.Duration
}

// Service writes files.
type Service struct {
	db         *store.Store
	campaigns  *campaign.Service
	statistics *statistics.Service
	now        func() time.Time
	timeout    time.Duration
}

// New returns the service over a database.
func New(db *store.Store, campaigns *campaign.Service, stats *statistics.Service, opts Options) *Service {
	s := &Service{db: db, campaigns: campaigns, statistics: stats, now: opts.Now, timeout: opts.PageTimeout}
	if s.now == nil {
		s.now = store.Now
	}
	if s.timeout == 0 {
		s.timeout = 30 * time.Second
	}
	return s
}

// Now returns the present instant by the service's clock.
func (s *Service) Now() time.Time { return s.now() }

// Check reports what is wrong with a request: NotFound when the caller has no such campaign,
// Invalid on from or to, and for an unknown content or format. It costs one statement, for a series
// one more.
func (s *Service) Check(ctx context.Context, request Request) error {
	_, err := s.Open(ctx, request)
	return err
}

// File is a file that can be written.
type File struct {
	// Name is safe on every system.
	Name    string
	Format  Format
	columns []string
	// rows calls row for each row; flush after some of them says that what is there may be sent.
	rows func(ctx context.Context, row func([]any) error, flush func() error) error
}

// Open prepares a file, with the errors of Check. The caller needs the scope read.
func (s *Service) Open(ctx context.Context, request Request) (*File, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if request.Format != CSV && request.Format != JSON {
		return nil, apperr.InvalidField("format", apperr.ReasonFormatUnknown, "must be csv or json")
	}
	c, err := s.campaigns.Get(ctx, request.CampaignID, entcampaign.FieldSendingStartedAt)
	if err != nil {
		return nil, err
	}
	file := &File{Name: fmt.Sprintf("campaign-%d-%s.%s", c.ID, request.Content, request.Format), Format: request.Format}
	switch request.Content {
	case Series:
		return file, s.openSeries(ctx, file, c, request.Span)
	case Links:
		return file, s.openLinks(file, c.ID, request.Span)
	case Activity:
		return file, s.openActivity(file, c.ID, request.Span)
	default:
		return nil, apperr.InvalidField("content", apperr.ReasonContentUnknown, "must be series, links or activity")
	}
}

func (s *Service) openSeries(ctx context.Context, file *File, c *ent.Campaign, span statistics.Span) error {
	found, err := store.Heavy(ctx, s.db, func(ctx context.Context) (map[int64][]statistics.Point, error) {
		return s.statistics.Series(ctx, []*ent.Campaign{c}, span, s.now())
	})
	if err != nil {
		return err
	}
	file.columns = names(pointColumns)
	file.rows = func(_ context.Context, row func([]any) error, _ func() error) error {
		for _, point := range found[c.ID] {
			if err := row(cells(pointColumns, &point)); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

func (s *Service) openLinks(file *File, campaignID int64, span statistics.Span) error {
	for name, bound := range map[string]*time.Time{"from": span.From, "to": span.To} {
		if bound != nil {
			return apperr.InvalidField(
				name, apperr.ReasonNotByHour, "links are not counted by time: export them without from and to",
			)
		}
	}
	file.columns = names(linkColumns)
	file.rows = func(ctx context.Context, row func([]any) error, flush func() error) error {
		err := s.statistics.EachLink(ctx, campaignID, func(_ context.Context, links []*ent.LinkCounter) error {
			for _, link := range links {
				if err := row(cells(linkColumns, link)); err != nil {
					return err
				}
			}
			return flush()
		})
		if err != nil {
			return err
		}
		return s.whole(ctx, campaignID)
	}
	return nil
}

// whole reports a campaign that was deleted while its rows were read: what came of them looks like all there are.
func (s *Service) whole(ctx context.Context, campaignID int64) error {
	_, err := s.campaigns.Get(ctx, campaignID, entcampaign.FieldID)
	return err
}

// Write writes the file. It reads a page after the other and holds one at a time; flush is called
// after each, when all of it was given to w. An error of w, of flush, of the database or of ctx
// ends it: what was written then is no whole file.
func (f *File) Write(ctx context.Context, w io.Writer, flush func() error) error {
	out := bufio.NewWriterSize(w, 32<<10)
	e := newEncoder(f.Format, out, f.columns)
	sent := func() error {
		if err := e.settle(); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		return flush()
	}
	if err := e.begin(); err != nil {
		return err
	}
	if err := f.rows(ctx, e.row, sent); err != nil {
		return err
	}
	if err := e.end(); err != nil {
		return err
	}
	return sent()
}
