// Command genqlient runs each example of a client in Go against a server: genqlient URL KEY CAMPAIGN DRAFT.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/gorilla/websocket"
)

//go:generate go tool genqlient

// #region client
type authorized struct{ key string }

func (a authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+a.key)
	return http.DefaultTransport.RoundTrip(request)
}

func connect(url, key string) graphql.Client {
	return graphql.NewClient(url+"/graphql", &http.Client{Transport: authorized{key}, Timeout: time.Minute})
}

// #endregion

// #region page
func allCampaigns(ctx context.Context, client graphql.Client, filter *CampaignFilter) (names []string, err error) {
	for after := (*string)(nil); ; {
		page, err := Campaigns(ctx, client, filter, after)
		if err != nil {
			return nil, err
		}
		for _, campaign := range page.Campaigns.Nodes {
			names = append(names, campaign.Name)
		}
		if after = page.Campaigns.PageInfo.EndCursor; !page.Campaigns.PageInfo.HasNextPage {
			return names, nil
		}
	}
}

// #endregion

// #region mutate
func rename(ctx context.Context, client graphql.Client, id, name string) error {
	return update(ctx, client, UpdateCampaignInput{Id: id, Name: &name})
}

func sendOn(ctx context.Context, client graphql.Client, id, date string) error {
	at := &ScheduleAtInput{Date: date, Time: "09:00", TimeZone: "Europe/Berlin"}
	return update(ctx, client, UpdateCampaignInput{Id: id, Schedule: &ScheduleInput{At: at}})
}

func update(ctx context.Context, client graphql.Client, input UpdateCampaignInput) error {
	answer, err := UpdateCampaign(ctx, client, input)
	if err != nil {
		return err
	}
	for _, e := range answer.UpdateCampaign.UserErrors {
		return fmt.Errorf("%s %s: %s", e.Code, strings.Join(e.Field, "."), e.Message)
	}
	return nil
}

// #endregion

// #region subscribe
type dialer struct{ *websocket.Dialer }

func (d dialer) DialContext(ctx context.Context, url string, header http.Header) (graphql.WSConn, error) {
	conn, response, err := d.Dialer.DialContext(ctx, url, header)
	if err == nil {
		_ = response.Body.Close()
	}
	return conn, err
}

// follow calls told for each change of a campaign until told returns false.
func follow(ctx context.Context, url, key, id string, told func(ChangedCampaignChanged) bool) error {
	client := graphql.NewClientUsingWebSocket(
		"ws"+strings.TrimPrefix(url, "http")+"/graphql",
		dialer{websocket.DefaultDialer},
		graphql.WithConnectionParams(map[string]any{"Authorization": "Bearer " + key}),
	)
	failed, err := client.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	changes, _, err := Changed(ctx, client, []string{id})
	if err != nil {
		return err
	}
	for {
		select {
		case err := <-failed:
			return err
		case change, open := <-changes:
			switch {
			case !open:
				return nil
			case change.Errors != nil:
				return change.Errors
			case !told(change.Data.CampaignChanged):
				return nil
			}
		}
	}
}

// #endregion

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints what the test compares, as a line of JSON each. It renames one campaign, and schedules a
// draft.
func run(ctx context.Context, url, key, renamed, draft string) error {
	client, output := connect(url, key), json.NewEncoder(os.Stdout)
	names, err := allCampaigns(ctx, client, nil)
	if err != nil {
		return err
	}
	_ = output.Encode(len(names))
	_ = output.Encode(fmt.Sprint(rename(ctx, client, renamed, "")))
	if err := rename(ctx, client, renamed, "Named by genqlient"); err != nil {
		return err
	}
	if err := sendOn(ctx, client, draft, time.Now().AddDate(0, 1, 0).Format(time.DateOnly)); err != nil {
		return err
	}
	return follow(ctx, url, key, renamed, func(change ChangedCampaignChanged) bool {
		_ = output.Encode(change.Campaign.Name)
		return false
	})
}
