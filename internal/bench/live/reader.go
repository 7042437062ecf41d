package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// document is the subscription of a page that shows a campaign while it is sent.
const document = `subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { id status statistics { id sent opens { unique } clicks { unique } } } } }`

// update is a message of the server: its time, and the number of sent emails in it.
type update struct {
	at   time.Time
	sent int64
}

// reader follows one campaign.
type reader struct {
	campaign *campaign
	mu       sync.Mutex
	updates  []update
}

func (r *reader) note(message []byte) {
	now := time.Now()
	_, after, found := bytes.Cut(message, []byte(`"sent":`))
	if !found {
		return
	}
	end := bytes.IndexFunc(after, func(c rune) bool { return c < '0' || c > '9' })
	sent, err := strconv.ParseInt(string(after[:max(end, 0)]), 10, 64)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.updates = append(r.updates, update{now, sent})
}

func (r *reader) told() []update {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.updates
}

// payload returns the payload of a subscription to one campaign, or to all campaigns of its
// account.
func payload(c *campaign, document string, all bool) string {
	ids := []string{strconv.FormatInt(c.id, 10)}
	if all {
		ids = nil
	}
	text, err := json.Marshal(map[string]any{"query": document, "variables": map[string]any{"ids": ids}})
	if err != nil {
		panic(err) // cannot happen: the value consists of strings
	}
	return string(text)
}

// overSocket follows the campaign over a WebSocket until ctx ends. It calls ready with the first
// update.
func (r *reader) overSocket(ctx context.Context, url string, ready func()) error {
	conn, err := openSocket(ctx, url, r.campaign.owner.Key, payload(r.campaign, document, false), nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("a WebSocket ended: %w", err)
		}
		if r.note(text); ready != nil && bytes.Contains(text, []byte(`"next"`)) {
			ready()
			ready = nil
		}
	}
}

func openSocket(ctx context.Context, url, key, subscription string, client *http.Client) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(
		ctx, url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: client},
	)
	if err != nil {
		return nil, err
	}
	for _, text := range []string{
		`{"type":"connection_init","payload":{"apiKey":"` + key + `"}}`,
		`{"id":"1","type":"subscribe","payload":` + subscription + `}`,
	} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// overEvents follows the campaign over server-sent events until ctx ends. It calls ready with the
// first update.
func (r *reader) overEvents(ctx context.Context, url string, ready func()) error {
	request, err := http.NewRequestWithContext(
		ctx, http.MethodPost, url+"/graphql", strings.NewReader(payload(r.campaign, document, false)),
	)
	if err != nil {
		return err
	}
	request.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"},
		"Authorization": {"Bearer " + r.campaign.owner.Key},
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("a stream ended: %w", err)
		}
		if r.note(line); ready != nil && bytes.HasPrefix(line, []byte("data: ")) {
			ready()
			ready = nil
		}
	}
}

// heavy is the subscription of clients that never read. Its updates are 100 kB, so that the buffers
// of the connection fill up soon and the server has to wait.
var heavy = func() string {
	var fields strings.Builder
	for i := range 90 {
		fmt.Fprintf(&fields, "a%d%s: statistics { sent failed recipients delivered } ", i, strings.Repeat("x", 1000))
	}
	return `subscription($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { ` + fields.String() + ` } } }`
}()

// small dials connections with a small receive buffer.
var small = &net.Dialer{ControlContext: smallBuffer}

// deaf subscribes to all campaigns of an account and reads nothing. When the server has closed the
// connection, it subscribes again, until ctx ends.
func deaf(ctx context.Context, url string, c *campaign, overSocket bool) error {
	for ctx.Err() == nil {
		conn, err := small.DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		if overSocket {
			client := &http.Client{Transport: &http.Transport{
				DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
			}}
			_, err := openSocket(ctx, url, c.owner.Key, payload(c, heavy, true), client)
			if err != nil && ctx.Err() == nil {
				return err
			}
		} else {
			body := payload(c, heavy, true)
			fmt.Fprintf(
				conn,
				"POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
				c.owner.Key, len(body), body,
			)
		}
		// This is longer than the timeout of the server, which has closed the connection by then.
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
		}
		_ = conn.Close()
	}
	return nil
}
