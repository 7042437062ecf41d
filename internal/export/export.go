// Package export owns how the statistics of a campaign are written to a file: its columns, the
// order of its rows, and the encoding of cells as CSV and JSON. It must not know HTTP, or who is
// allowed to download a file.
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

// Content is the kind of data in a file.
type Content string

const (
	// Series is the numbers over time: one row for each point of statistics.Series.
	Series Content = "series"
	// Links is all links of the campaign, most clicks first.
	Links Content = "links"
	// Activity is every event of the campaign, in the order of their keys. This order is stable,
	// but it is not chronological.
	Activity Content = "activity"
)

// Format is the encoding of a file.
type Format string

const (
	// CSV is RFC 4180 in UTF-8 with a header line. Unknown values are empty. A text that a
	// spreadsheet would read as a formula is prefixed with an apostrophe.
	CSV Format = "csv"
	// JSON is one array with an object on each line. Unknown values are null.
	JSON Format = "json"
)

// Request describes an export.
type Request struct {
	CampaignID int64
	Content    Content
	Format     Format
	// Span limits Series; its From and To also limit Activity. Links are not counted by time and
	// accept no bounds.
	Span statistics.Span
}

// Options are the settings of a Service. The zero value selects the defaults.
type Options struct {
	// Now is the clock. Default store.Now.
	Now func() time.Time
	// PageTimeout is the timeout for reading one page of a file. Default 30 s.
	PageTimeout time.Duration
}

type Service struct {
	db         *store.Store
	campaigns  *campaign.Service
	statistics *statistics.Service
	now        func() time.Time
	timeout    time.Duration
}

// New returns a service that uses a database.
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

// Now returns the current time of the service's clock.
func (s *Service) Now() time.Time { return s.now() }

// Check validates a request. It returns NotFound if the caller has no such campaign, and Invalid on
// from or to or for an unknown content or format. It runs one statement, and two more for a series.
func (s *Service) Check(ctx context.Context, request Request) error {
	_, err := s.Open(ctx, request)
	return err
}

// File is a file that is ready to be written.
type File struct {
	// Name is a safe file name on every operating system.
	Name    string
	Format  Format
	columns []string
	// rows calls row for each row. It calls flush whenever the rows written so far may be sent.
	rows func(ctx context.Context, row func([]any) error, flush func() error) error
}

// Open prepares a file. It returns the same errors as Check. The caller needs the scope read.
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
		span.Amounts = true
		return s.statistics.Series(ctx, []*ent.Campaign{c}, span, s.now())
	})
	if err != nil {
		return err
	}
	columns := seriesColumns(found[c.ID])
	file.columns = names(columns)
	file.rows = func(_ context.Context, row func([]any) error, _ func() error) error {
		for _, point := range found[c.ID] {
			if err := row(cells(columns, &point)); err != nil {
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

// whole returns an error if the campaign was deleted while its rows were read. Otherwise the rows
// read so far would look like a complete file.
func (s *Service) whole(ctx context.Context, campaignID int64) error {
	_, err := s.campaigns.Get(ctx, campaignID, entcampaign.FieldID)
	return err
}

// Write writes the file. It reads page by page and holds one page in memory. It calls flush after
// each page, when all of that page was written to w. It stops at an error of w, of flush, of the
// database or of ctx; the output is then incomplete.
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
