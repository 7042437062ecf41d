package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParametersAreReadAsPHPReadsThem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, contentType, body, query string
		want                           map[string]string
	}{
		{name: "names in any case", body: "cAmPaIgNiD=1", want: map[string]string{"CampaignID": "1"}},
		{name: "the last value wins, whatever the case of its name", body: "a=1&A=2&a=3", want: map[string]string{"a": "3"}},
		{name: "the body wins over the query string", query: "a=1&b=2", body: "a=3", want: map[string]string{"a": "3", "b": "2"}},
		{name: "a percent that begins no code", body: "a=50% off&b=%Link:Unsubscribe%&c=%zz%4&d=%41%", query: "e=%",
			want: map[string]string{"a": "50% off", "b": "%Link:Unsubscribe%", "c": "%zz%4", "d": "A%", "e": "%"}},
		{name: "an empty value of the body does not erase", query: "a=1&ABTesting=x", body: "a=&ABTesting=", want: map[string]string{"a": "1", "ABTesting": ""}},
		{name: "plus and percent", body: "a=x+y%2Bz%26", want: map[string]string{"a": "x y+z&"}},
		{name: "a semicolon is part of a value", body: "a=x;b=2", want: map[string]string{"a": "x;b=2", "b": ""}},
		{name: "a field without a value", body: "a&b=", want: map[string]string{"a": "", "b": ""}},
		{name: "a list", body: "a[]=1&a[]=2", want: map[string]string{"a": "1,2"}},
		{name: "a list with positions", body: "a[5]=1&a[2]=2", want: map[string]string{"a": "1,2"}},
		{name: "a scalar after a list replaces it", body: "a[]=1&a=2", want: map[string]string{"a": "2"}},
		{name: "a list after a scalar replaces it", body: "a=2&a[]=1", want: map[string]string{"a": "1"}},
		{name: "a structure is JSON", body: "a[b][0]=1&a[b][1]=%22&a[c]=x", want: map[string]string{"a": `{"b":["1","\""],"c":"x"}`}},
		{name: "encoded brackets", body: "a%5Bb%5D=1", want: map[string]string{"a": `{"b":"1"}`}},
		{name: "no closing bracket", body: "a[b=1", want: map[string]string{"a": "", "a[b": "1"}},
		{name: "no name before the bracket", body: "[b]=1", want: map[string]string{"[b]": "1"}},
		{name: "invalid UTF-8 and NUL are replaced", body: "a=x%FFy%00z", want: map[string]string{"a": "x\uFFFDy\uFFFDz"}},
		{name: "no content type is a form", contentType: "-", body: "a=1", want: map[string]string{"a": "1"}},
		{name: "JSON scalars", contentType: "application/json; charset=utf-8", body: "\xef\xbb\xbf" + `{"a":"1","b":1,"c":true,"d":null,"A":2.50}`,
			want: map[string]string{"a": "2.50", "b": "1", "c": "true", "d": ""}},
		{name: "JSON lists", contentType: "application/json", body: `{"a":[1,"2"],"b":[],"c":[[1],[2]],"d":[null]}`,
			want: map[string]string{"a": "1,2", "b": "", "c": "[[1],[2]]", "d": ""}},
		{name: "a JSON object stays as it was sent", contentType: "application/json", body: `{"a":{"z": 1, "b":"<"}}`, want: map[string]string{"a": `{"z": 1, "b":"<"}`}},
		{name: "JSON with invalid UTF-8, NUL and half a pair", contentType: "application/json", body: `{"a":"x` + "\xff" + `y\u0000z\ud800"}`,
			want: map[string]string{"a": "x\uFFFDy\uFFFDz\uFFFD"}},
		{name: "an empty body of any type", contentType: "application/json", query: "a=1", want: map[string]string{"a": "1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/api.php?"+tc.query, strings.NewReader(tc.body))
			switch tc.contentType {
			case "":
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			case "-":
			default:
				r.Header.Set("Content-Type", tc.contentType)
			}
			p, err := readForm(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			if err := (&incoming{bridge: New(Services{}, Options{})}).read(
				r.Context(), httptest.NewRecorder(), r, p,
			); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for name := range tc.want {
				got[name] = p.Text(name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequestsThatCannotBeReadSayWhy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, contentType, body, query string
		status                                 int
		want                                   string
	}{
		{name: "a method", method: http.MethodPut, status: 400, want: `"ErrorCode":100001`},
		{name: "HEAD", method: http.MethodHead, status: 400, want: `"ErrorCode":100001`},
		{name: "JSON of many values", contentType: "application/json", body: `{"Command":[0` + strings.Repeat(",0", 20_000) + `]}`, status: 400, want: "more than 20000 values"},
		{name: "a type of content", contentType: "text/xml", body: "<a/>", status: 400, want: `"ErrorCode":100000`},
		{name: "no type of content at all", contentType: "/", body: "a", status: 400, want: `"ErrorCode":100000`},
		{name: "multipart without boundary", contentType: "multipart/form-data", body: "a", status: 400, want: `"ErrorCode":100000`},
		{name: "multipart cut off", contentType: "multipart/form-data; boundary=b", body: "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", status: 400, want: `"ErrorCode":100000`},
		{name: "empty JSON text", contentType: "application/json", body: " ", status: 400, want: `"ErrorCode":100000`},
		{name: "too many fields", body: strings.Repeat("a=&", maxFields+1), status: 400, want: "more than 20000 fields"},
		{name: "too large", body: "a=" + strings.Repeat("x", 1<<20), status: 413, want: `"Success":false`},
		{name: "a nested name that is far too deep", body: "a" + strings.Repeat("[a]", 100_000) + "=1", status: 400, want: "nested deeper"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			method := tc.method
			if method == "" {
				method = http.MethodPost
			}
			r := httptest.NewRequest(method, "/api.php?"+tc.query, strings.NewReader(tc.body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if tc.contentType != "" {
				r.Header.Set("Content-Type", tc.contentType)
			}
			w := httptest.NewRecorder()
			New(Services{}, Options{MaxBody: 1 << 20}).ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) ||
				!strings.Contains(w.Body.String(), `"Errors":[{"Code":`) {
				t.Errorf("got %d %s, want %d with %s", w.Code, w.Body, tc.status, tc.want)
			}
		})
	}
}

func TestBooleansInEverySpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{
		"true": {true, true}, "1": {true, true}, "YES": {true, true}, "On": {true, true}, " true ": {true, true},
		"false": {false, true}, "0": {false, true}, "no": {false, true}, "OFF": {false, true},
		"": {}, "2": {}, "maybe": {},
	} {
		if value, ok := parseBool(text); value != want[0] || ok != want[1] {
			t.Errorf("%q: got %v, %v", text, value, ok)
		}
	}
}

func TestIDsThatAreNotPositiveIntegersAreNobodys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"5": 5, " 5 ": 5, "005": 5, "9223372036854775807": 1<<63 - 1,
		"": 0, "0": 0, "-5": 0, "+5": 0, "5.0": 0, "5x": 0, "1e3": 0, "0x5": 0, "9223372036854775808": 0, "٥": 0,
	} {
		if got := parseID(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// countingBody records how many fields its decoder announces.
type countingBody struct {
	given
	fields int
}

func (c *countingBody) Fields(n int) error {
	c.fields = n
	return nil
}

func TestEveryPartOfAMultipartFormCounts(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"named":   "Content-Disposition: form-data; name=\"a\"\r\n",
		"a file":  "Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n",
		"unnamed": "",
	} {
		form := func(parts int) *countingBody {
			return &countingBody{given: given(strings.Repeat("--b\r\n"+head+"\r\n\r\n", parts) + "--b--\r\n")}
		}
		body := form(maxFields)
		if _, err := readParameters("multipart/form-data; boundary=b", body); err != nil || body.fields < maxFields {
			t.Errorf("%s: %d parts, of which %d are counted: %v", name, maxFields, body.fields, err)
		}
		if _, err := readParameters("multipart/form-data; boundary=b", form(maxFields+1)); err != tooManyFields {
			t.Errorf("%s: one part more: %v", name, err)
		}
	}
}
