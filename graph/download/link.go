// Package download is the surface GET /export: a campaign's statistics as a file. It owns the URL
// of a file, the signed link that opens a file without a header, and the streaming of a long
// answer. The domain owns the content of a file.
package download

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"campaignql/graph/gid"
	"campaignql/graph/scalar"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/export"
	"campaignql/internal/schedule"
	"campaignql/internal/statistics"
)

// LinkTTL is how long a link is valid.
const LinkTTL = 5 * time.Minute

// The query parameters of a file's URL.
const (
	fromParameter      = "from"
	toParameter        = "to"
	intervalParameter  = "interval"
	zoneParameter      = "timeZone"
	expiresParameter   = "expires"
	signerParameter    = "signer"
	signatureParameter = "signature"
)

// Link returns the path and query of a file's URL and the time when the link expires. Until then
// the link opens the file for every client that has it, as long as the caller's key or session is
// valid. Link does not validate the request: export.Service.Check does.
func Link(
	ctx context.Context, accounts *account.Service, request export.Request, now time.Time,
) (address string, expires time.Time, err error) {
	id, err := caller.From(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	expires = now.Add(LinkTTL).Truncate(time.Second)
	if !id.Expires.IsZero() && id.Expires.Before(expires) {
		expires = id.Expires.Truncate(time.Second)
	}
	path, query := addressOf(request)
	query.Set(expiresParameter, strconv.FormatInt(expires.Unix(), 10))
	by, err := accounts.Sign(ctx, path+"?"+query.Encode())
	if err != nil {
		return "", time.Time{}, err
	}
	query.Set(signerParameter, by.Signer)
	query.Set(signatureParameter, by.MAC)
	return path + "?" + query.Encode(), expires, nil
}

// addressOf returns the path and the query of a file's URL.
func addressOf(request export.Request) (path string, query url.Values) {
	query = url.Values{}
	for name, at := range map[string]*time.Time{fromParameter: request.Span.From, toParameter: request.Span.To} {
		if at != nil {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if request.Content == export.Series {
		query.Set(intervalParameter, string(request.Span.Interval))
		query.Set(zoneParameter, request.Span.Zone.String())
	}
	path = "/export/campaigns/" + strconv.FormatInt(request.CampaignID, 10) + "/" +
		string(request.Content) + "." + string(request.Format)
	return path, query
}

// signed returns the text that was signed for the link of a request, its signature, and the time
// when the link expires.
func signed(r *http.Request) (text string, by account.Signature, expires time.Time) {
	query := r.URL.Query()
	by = account.Signature{Signer: query.Get(signerParameter), MAC: query.Get(signatureParameter)}
	query.Del(signerParameter)
	query.Del(signatureParameter)
	if seconds, err := strconv.ParseInt(query.Get(expiresParameter), 10, 64); err == nil {
		expires = time.Unix(seconds, 0)
	}
	return r.URL.Path + "?" + query.Encode(), by, expires
}

// read parses an export request. zone is the caller's time zone. It is used for a series without a
// time zone.
func read(r *http.Request, zone string) (export.Request, error) {
	content, format, _ := strings.Cut(r.PathValue("file"), ".")
	request := export.Request{Content: export.Content(content), Format: export.Format(format)}
	request.Span.Interval = statistics.ByDay
	var faults apperr.Faults
	var err error
	if request.CampaignID, err = gid.Decode(gid.Campaign, r.PathValue("id")); err != nil {
		return request, apperr.NotFoundf("campaign")
	}
	query := r.URL.Query()
	for name, into := range map[string]**time.Time{fromParameter: &request.Span.From, toParameter: &request.Span.To} {
		if text := query.Get(name); text != "" {
			at, err := scalar.UnmarshalDateTime(text)
			if err != nil {
				faults.Add(apperr.InvalidField(name, apperr.ReasonInstantInvalid, "%s", err.Error()))
			}
			*into = &at
		}
	}
	switch interval := statistics.Interval(query.Get(intervalParameter)); interval {
	case "":
	case statistics.ByHour, statistics.ByDay, statistics.ByWeek:
		request.Span.Interval = interval
	default:
		faults.Add(apperr.InvalidField(intervalParameter, apperr.ReasonIntervalUnknown, "must be HOUR, DAY or WEEK"))
	}
	if named := query.Get(zoneParameter); named != "" {
		zone = named
	}
	if request.Span.Zone, err = schedule.ParseZone(zone); err != nil {
		faults.Add(apperr.InvalidField(zoneParameter, apperr.ReasonUnknownZone, "%s", err.Error()))
	}
	return request, faults.Err()
}
