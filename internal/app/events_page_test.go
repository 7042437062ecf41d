package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/graph"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/demo"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/surface"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// eventsPage is docs/events.md.
type eventsPage struct {
	t    *testing.T
	text string
}

func readEventsPage(t *testing.T) eventsPage {
	t.Helper()
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	return eventsPage{t, string(text)}
}

// table returns the cells of all rows of the table whose header begins with the given cells.
func (p eventsPage) table(header ...string) [][]string {
	p.t.Helper()
	_, below, ok := strings.Cut(p.text, "\n| "+strings.Join(header, " | ")+" |")
	if !ok {
		p.t.Fatalf("the page has no table with %q", header)
	}
	var rows [][]string
	for i, line := range strings.Split(below, "\n") {
		if i < 2 { // the rest of the header, and the separator line
			continue
		}
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// column returns one column of the rows, without backquotes.
func column(rows [][]string, i int) []string {
	out := make([]string, len(rows))
	for n, row := range rows {
		out[n] = strings.Trim(row[i], "`")
	}
	return out
}

// shop is a server with the demo data, which the examples of the page use.
type shop struct {
	*apitest.Server
	db  *store.Store
	key string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db := testkit.Open(t, "sqlite::memory:")
	s := &shop{Server: apitest.With(t, db, apitest.Config()), db: db}
	entry, err := demo.Ensure(t.Context(), db, demo.Services{Accounts: s.Services.Accounts}, store.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.key = entry.APIKey
	return s
}

// told is the response to a line.
type told struct{ ID, Result, Code, Message string }

// send sends lines and returns the responses.
func (s *shop) send(t *testing.T, lines ...string) []told {
	t.Helper()
	got := do(
		t, http.MethodPost, s.URL+"/events", strings.Join(lines, "\n"), "Content-Type: application/x-ndjson",
		"Authorization: Bearer "+s.key,
	)
	var all []told
	for line := range strings.Lines(got.body) {
		var a told
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%d %s", got.status, got.body)
		}
		all = append(all, a)
	}
	if len(all) != len(lines) {
		t.Fatalf("%d answers to %d lines: %s", len(all), len(lines), got.body)
	}
	return all
}

// sentEvent returns a line with a complete event, modified by fields. A nil value omits the field.
func sentEvent(t *testing.T, fields map[string]any) string {
	t.Helper()
	line := map[string]any{
		"id": "e", "kind": "SENT", "campaignId": "198", "subscriberId": "45", "at": "2026-11-23T10:00:00Z",
	}
	for name, value := range fields {
		if line[name] = value; value == nil {
			delete(line, name)
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePageAboutEventsIsTrue(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := newShop(t)
	t.Run("examples", s.examples)
	t.Run("fields", s.fields)
	t.Run("limits", s.limits)
	t.Run("answers", s.answers)
}

func (s *shop) examples(t *testing.T) {
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			testkit.Missing(t, "no "+tool)
		}
	}
	dir := t.TempDir()
	examples := fence.FindAllStringSubmatch(readEventsPage(t).text, -1)
	if len(examples) != 8 {
		t.Fatalf("%d examples and answers", len(examples))
	}
	for i := 0; i < len(examples); i += 2 {
		if examples[i][1] != "sh" || examples[i+1][1] != "json" {
			t.Fatalf("an example in %q is answered in %q", examples[i][1], examples[i+1][1])
		}
		command := exec.CommandContext(
			t.Context(), "sh", "-c",
			strings.ReplaceAll(examples[i][2], documented, strings.TrimPrefix(s.URL, "http://")),
		)
		command.Dir, command.Env, command.Stderr = dir, append(os.Environ(), "KEY="+s.key), os.Stderr
		got, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(examples[i+1][2])), `\{…\}`, `\{.*\}`)
		if !regexp.MustCompile("^" + pattern + "$").Match(bytes.TrimSpace(got)) {
			t.Errorf("%s\ngot  %s\nwant %s", examples[i][2], got, examples[i+1][2])
		}
	}
}

// inputFields are the fields of EventInput.
func inputFields(t *testing.T) (all, required []string) {
	t.Helper()
	for _, f := range eventSchema(t).Types["EventInput"].Fields {
		all = append(all, f.Name)
		if f.Type.NonNull {
			required = append(required, f.Name)
		}
	}
	return all, required
}

func eventSchema(t *testing.T) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: graph.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// kinds returns the kinds of events as the surfaces write them.
func kinds() []string {
	var all []string
	for _, k := range kind.EventKind("").Values() {
		all = append(all, strings.ToUpper(k))
	}
	return all
}

// sample holds valid values of each field.
var sample = map[string]any{
	"url":       "https://shop.example.com/",
	"reason":    "because",
	"userAgent": "Thunderbird",
	"ip":        "2001:db8::1",
	"amount":    12.34,
	"currency":  "eur",
}

func (s *shop) fields(t *testing.T) {
	rows := readEventsPage(t).table("field", "type")
	all, required := inputFields(t)
	all = slices.Insert(all, slices.Index(all, "amount")+1, "currency") // in GraphQL a part of the amount
	if got := column(rows, 0); !slices.Equal(got, all) {
		t.Errorf("the page has the fields %v, the schema %v", got, all)
	}
	id := 0
	next := func(fields map[string]any) map[string]any { id++; fields["id"] = fmt.Sprint(id); return fields }
	for _, row := range rows {
		field, without, belongs := strings.Trim(row[0], "`"), row[3], row[4]
		if rejected := s.send(t, sentEvent(t, map[string]any{field: nil}))[0].Result == "rejected"; rejected != (without == "rejected" || field == "subscriberId") {
			t.Errorf("%s: without it the event is rejected: %t; the page says %q", field, rejected, without)
		}
		if slices.Contains(required, field) != (without == "rejected") {
			t.Errorf(
				"%s: the schema requires it: %t; the page says %q without it", field, slices.Contains(required, field),
				without,
			)
		}
		value, optional := sample[field]
		if !optional {
			continue
		}
		alone := strings.HasSuffix(belongs, " alone")
		for _, what := range kinds() {
			event := next(map[string]any{"kind": what, field: value})
			if recorded := s.send(t, sentEvent(t, event))[0].Result == "recorded"; recorded != (!alone || belongs == "`"+what+"` alone") {
				t.Errorf("%s with %s is recorded: %t; the page says %q", what, field, recorded, belongs)
			}
		}
	}
}

// number matches an integer as the page writes it.
var number = regexp.MustCompile(`\d[\d,]*`)

// limits returns the numbers in a cell.
func limits(t *testing.T, cell string) []int {
	t.Helper()
	var all []int
	for _, text := range number.FindAllString(cell, -1) {
		n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func (s *shop) limits(t *testing.T) {
	page := readEventsPage(t)
	limit := map[string][]int{}
	for _, row := range page.table("field", "type") {
		limit[strings.Trim(row[0], "`")] = limits(t, row[2])
	}
	address := func(n int) string {
		domain := strings.Repeat(strings.Repeat("b", 60)+".", 3) + strings.Repeat("c", n-244)
		return strings.Repeat("a", 60) + "@" + domain
	}
	last := func(field string) int { return limit[field][len(limit[field])-1] }
	for name, tt := range map[string]struct {
		within, beyond map[string]any
	}{
		"id":           {map[string]any{"id": strings.Repeat("ä", last("id"))}, map[string]any{"id": strings.Repeat("ä", last("id")+1)}},
		"emailAddress": {map[string]any{"id": "a", "subscriberId": nil, "emailAddress": address(last("emailAddress"))}, map[string]any{"subscriberId": nil, "emailAddress": address(last("emailAddress") + 1)}},
		"amount":       {map[string]any{"id": "c", "kind": "CONVERTED", "amount": last("amount")}, map[string]any{"kind": "CONVERTED", "amount": last("amount") + 1}},
		"at":           {map[string]any{"id": "d", "at": fmt.Sprint(limit["at"][0], "-01-01T00:00:00Z")}, map[string]any{"at": fmt.Sprint(limit["at"][0]-1, "-12-31T23:59:59Z")}},
	} {
		within, beyond := s.send(t, sentEvent(t, tt.within))[0], s.send(t, sentEvent(t, tt.beyond))[0]
		// Nobody has an address of exactly the maximum length.
		if known := within.Result == "recorded" ||
			within.Message == "emailAddress: contact not found"; !known || beyond.Code != "invalid" ||
			!strings.HasPrefix(beyond.Message, name+": ") {
			t.Errorf("%s: %v at the limit, %v beyond it", name, within, beyond)
		}
	}
	for _, field := range []string{"reason", "userAgent"} {
		s.send(t, sentEvent(t, map[string]any{"id": "cut " + field, field: strings.Repeat("x", last(field)+1)}))
	}
	cut := s.db.Client(caller.System(t.Context())).Event.Query().AllX(caller.System(t.Context()))
	if !slices.ContainsFunc(cut, func(e *ent.Event) bool { return len(e.Reason) == last("reason") }) ||
		!slices.ContainsFunc(cut, func(e *ent.Event) bool { return len(e.UserAgent) == last("userAgent") }) {
		t.Error("texts are not cut where the page says")
	}
	long := "https://shop.example.com/" + strings.Repeat("x", last("url"))
	if got := s.send(t, sentEvent(t, map[string]any{"id": "b", "kind": "CLICKED", "url": long}))[0]; got.Result != "recorded" {
		t.Errorf("a long URL: %v", got)
	}
	links := s.db.Client(caller.System(t.Context())).LinkCounter.Query().AllX(caller.System(t.Context()))
	if !slices.ContainsFunc(links, func(l *ent.LinkCounter) bool { return l.URL == long[:last("url")] }) {
		t.Error("URLs are not cut where the page says")
	}
	if !slices.Contains(limits(t, page.text), event.MaxEvents) {
		t.Errorf("the page does not tell of %d events", event.MaxEvents)
	}
}

func TestKindsOfEventsAreAsThePageSays(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	got, want := column(readEventsPage(t).table("kind", "when to send it"), 0), kinds()
	if !reflect.DeepEqual(sorted(got), sorted(want)) {
		t.Errorf("the page has the kinds %v, there are %v", got, want)
	}
}

func sorted(all []string) []string {
	all = slices.Clone(all)
	slices.Sort(all)
	return all
}

func (s *shop) answers(t *testing.T) {
	page := readEventsPage(t)
	if got, want := column(page.table("result", "meaning"), 0), []string{
		string(event.Recorded), string(event.Duplicate), string(event.Rejected),
	}; !slices.Equal(got, want) {
		t.Errorf("the page has the results %v, there are %v", got, want)
	}
	// Events have no version and no rate limit.
	never := []apperr.Code{apperr.Precondition, apperr.Limited}
	want := slices.DeleteFunc(apperr.Codes(), func(c apperr.Code) bool { return slices.Contains(never, c) })
	codes := page.table("code", "GraphQL", "when")
	if got := column(codes, 0); len(got) != len(want) ||
		slices.ContainsFunc(want, func(c apperr.Code) bool { return !slices.Contains(got, string(c)) }) {
		t.Errorf("the page has the codes %v, there are %v", got, want)
	}
	schema := eventSchema(t)
	for _, row := range codes {
		code := strings.Trim(strings.TrimPrefix(row[1], "user error "), "`")
		if !strings.HasPrefix(code, "error ") && schema.Types["UserErrorCode"].EnumValues.ForName(code) == nil {
			t.Errorf("there is no UserErrorCode %s", code)
		}
	}

	rows := page.table("message", "line")
	messages, lines := column(rows, 0), column(rows, 1)
	for i, answer := range s.send(t, lines...) {
		code := "invalid"
		if strings.HasSuffix(answer.Message, "not found") {
			code = "not_found"
		}
		if answer.Result != "rejected" || answer.Code != code || answer.Message != messages[i] {
			t.Errorf("%s\ngets %+v\nwant %s", lines[i], answer, messages[i])
		}
	}
	for _, why := range reasonsInCode(t) {
		if !slices.ContainsFunc(messages, why.MatchString) {
			t.Errorf("the page does not tell of the message %s", why)
		}
	}
}

// reasonsInCode returns patterns of the messages with which the domain rejects an event.
func reasonsInCode(t *testing.T) []*regexp.Regexp {
	t.Helper()
	files, err := filepath.Glob("../event/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []*regexp.Regexp
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\binvalid\("(\w+)", apperr\.\w+, "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			format := regexp.MustCompile(`%[ds]`).ReplaceAllString(regexp.QuoteMeta(found[2]), `\S+`)
			format = strings.ReplaceAll(format, "%v", ".+") // the message of a parser
			all = append(all, regexp.MustCompile("^"+found[1]+": "+format+"$"))
		}
	}
	if len(all) < 12 {
		t.Fatalf("%d reasons were found in internal/event", len(all))
	}
	return all
}

// announce sends the headers of a request with a body of the given size, and reads the response
// that the server sends before the body.
func announce(t *testing.T, target string, size int, headers ...string) answer {
	t.Helper()
	at, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", at.Host, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(
		conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n\r\n", at.Path, at.Host, size,
		strings.Join(headers, "\r\n"),
	)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// hold announces bodies that the server accepts, and never sends them.
func hold(t *testing.T, target, key string, times int) {
	t.Helper()
	at, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		conn, err := net.DialTimeout("tcp", at.Host, patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(
			conn,
			"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 2000000\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n\r\n",
			at.Path, at.Host, key,
		)
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
}

func TestRefusalsOfEventsAreAsThePageSays(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	cfg := apitest.Config()
	cfg.MaxStreams, cfg.MaxAccountStreams = 2, 1
	s := &shop{Server: apitest.With(t, db, cfg), db: db}
	owner := s.Account(t)
	_, reader, err := s.Services.Accounts.CreateKey(owner.Context, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	events := func(key, media string) answer {
		return do(t, http.MethodPost, s.URL+"/events", "{}", "Content-Type: "+media, "Authorization: Bearer "+key)
	}
	graphQL := func(key string) answer {
		return post(
			t, s.Server, `mutation { recordEvents(input: {events: []}) { rejectedCount } }`,
			"Authorization: Bearer "+key,
		)
	}
	got := map[string]answer{
		"`POST /events` 401 `UNAUTHENTICATED`": events("", "application/x-ndjson"),
		"`POST /events` 403 `FORBIDDEN`":       events(reader, "application/x-ndjson"),
		"`POST /events` 415 `BAD_REQUEST`":     events(owner.Key, "application/json"),
		"GraphQL 200 `UNAUTHENTICATED`":        graphQL(""),
		"GraphQL 200 `FORBIDDEN`":              graphQL(reader),
		"GraphQL 413 `PAYLOAD_TOO_LARGE`": announce(
			t, s.URL+"/graphql", 17<<20, "Content-Type: application/json", "Authorization: Bearer "+owner.Key,
		),
	}
	large := func(key string) answer {
		return announce(t, s.URL+"/graphql", 2<<20, "Content-Type: application/json", "Authorization: Bearer "+key)
	}
	places := map[string]int{}
	for _, row := range readEventsPage(t).table("way", "status") {
		if row[0] == "GraphQL" && (row[1] == "429" || row[1] == "503") {
			places[row[1]] = limits(t, row[3])[0]
		}
	}
	hold(t, s.URL+"/graphql", owner.Key, places["429"])
	got["GraphQL 429 `RATE_LIMITED`"] = large(owner.Key)
	for range places["503"]/places["429"] - 1 {
		hold(t, s.URL+"/graphql", s.Account(t).Key, places["429"])
	}
	got["GraphQL 503 `UNAVAILABLE`"] = large(s.Account(t).Key)
	stream := &admitting{Server: s.Server, address: strings.TrimPrefix(s.URL, "http://")}
	open := request{target: "/events", contentType: "application/x-ndjson", key: owner.Key, body: "\n", more: 1}
	for _, key := range []string{owner.Key, s.Account(t).Key} {
		open.key = key
		if line, err := bufio.NewReader(stream.send(t, open)).ReadString('\n'); line != "HTTP/1.1 200 OK\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	got["`POST /events` 429 `RATE_LIMITED`"] = events(owner.Key, "application/x-ndjson")
	got["`POST /events` 503 `UNAVAILABLE`"] = events(s.Account(t).Key, "application/x-ndjson")
	hurried := newAdmitting(t, surface.BodyLimits{NamelessTime: time.Millisecond})
	response, text := hurried.ask(
		t, request{target: "/graphql", contentType: jsonType, body: strings.Repeat(" ", 100*kib), more: 1},
	)
	got["GraphQL 408 `REQUEST_TIMEOUT`"] = answer{response.StatusCode, response.Header, text}
	rows := readEventsPage(t).table("way", "status")
	if len(rows) != len(got) {
		t.Errorf("the page tells of %d refusals, %d were tried", len(rows), len(got))
	}
	for _, row := range rows {
		a, tried := got[row[0]+" "+row[1]+" "+row[2]]
		want := fmt.Sprintf(`"code":"%s"`, strings.Trim(row[2], "`"))
		if !tried || fmt.Sprint(a.status) != row[1] || !strings.Contains(a.body, want) {
			t.Errorf("%v: %d %.300s", row, a.status, a.body)
		}
	}
}

func TestThePageAboutEventsNamesSettingsAsTheyAre(t *testing.T) {
	t.Parallel()
	page, found := readEventsPage(t), 0
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		for _, match := range regexp.MustCompile("`--"+field.Tag.Get("name")+"`, ([\\d,]+) bytes").FindAllStringSubmatch(page.text, -1) {
			if found++; strings.ReplaceAll(match[1], ",", "") != field.Tag.Get("default") {
				t.Errorf(
					"--%s has the default %s, the page says %s", field.Tag.Get("name"), field.Tag.Get("default"),
					match[1],
				)
			}
		}
	}
	if found == 0 {
		t.Error("the page names no setting with its default")
	}
}
