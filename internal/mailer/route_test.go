package mailer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/mailer"
)

func TestRoutesAreParsed(t *testing.T) {
	t.Parallel()
	anna := mailer.Login{User: "anna@example.com", Password: "p@ss:/?#"}
	const withLogin = "anna%40example.com:p%40ss%3A%2F%3F%23@"
	for text, c := range map[string]struct {
		route mailer.Route
		text  string
	}{
		"smtp://mail.example.com": {
			mailer.Route{Host: "mail.example.com"}, "smtp://mail.example.com:25?tls=opportunistic",
		},
		"SMTP://mail.example.com:2525/": {
			mailer.Route{Host: "mail.example.com", Port: 2525}, "smtp://mail.example.com:2525?tls=opportunistic",
		},
		"smtp://[::1]:25?tls=off": {
			mailer.Route{Host: "::1", Port: 25, Security: mailer.Off}, "smtp://[::1]:25?tls=off",
		},
		"smtp://" + withLogin + "m.x": {
			mailer.Route{Host: "m.x", Login: anna}, "smtp://anna%40example.com:xxxxx@m.x:587?tls=starttls",
		},
		"smtps://" + withLogin + "m.x": {
			mailer.Route{Host: "m.x", Security: mailer.Implicit, Login: anna}, "smtps://anna%40example.com:xxxxx@m.x:465",
		},
		"smtp://m.x?tls=implicit": {mailer.Route{Host: "m.x", Security: mailer.Implicit}, "smtps://m.x:465"},
		"smtp://m.x?tls=required": {
			mailer.Route{Host: "m.x", Security: mailer.StartTLS}, "smtp://m.x:25?tls=starttls",
		},
		"smtp://a:b@m.x?auth=cram-md5": {
			mailer.Route{Host: "m.x", Login: mailer.Login{Mechanism: mailer.CramMD5, User: "a", Password: "b"}},
			"smtp://a:xxxxx@m.x:587?auth=CRAM-MD5&tls=starttls",
		},
		"smtp://a:b@m.x?auth=xoauth2": {
			mailer.Route{Host: "m.x", Login: mailer.Login{Mechanism: mailer.XOAuth2, User: "a", Password: "b"}},
			"smtp://a:xxxxx@m.x:587?auth=XOAUTH2&tls=starttls",
		},
		"smtp://m.x?verify=false&helo=me": {
			mailer.Route{Host: "m.x", SkipVerify: true, HeloName: "me"},
			"smtp://m.x:25?helo=me&tls=opportunistic&verify=false",
		},
		"smtp://m.x?pipelining=false&messages=7&plaintext-login=true": {
			mailer.Route{Host: "m.x", NoPipelining: true, Messages: 7, AllowPlaintextLogin: true},
			"smtp://m.x:25?messages=7&pipelining=false&plaintext-login=true&tls=opportunistic",
		},
	} {
		r, err := mailer.ParseRoute(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(c.route, r); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		if r.String() != c.text {
			t.Errorf("%s is %s", text, r)
		}
	}
}

func TestRoutesWithFaultsAreRefusedInWords(t *testing.T) {
	t.Parallel()
	const encode = "percent-encoded"
	for text, want := range map[string]string{
		"":                                   "begins with smtp://",
		"mail.example.com:25":                "begins with smtp://",
		"http://mail.example.com":            "begins with smtp://",
		"smtp://":                            "names a host",
		"smtp://a:hunter2@":                  "names a host",
		"smtp://:hunter2@m.x":                "with a password has a user",
		"smtp://a@m.x":                       "with a user has a password",
		"smtp://m.x:0":                       "from 1 to 65535",
		"smtp://m.x:99999":                   "from 1 to 65535",
		"smtp://m.x:abc":                     "the form smtp://",
		"smtp://m.x/path":                    "nothing between",
		"smtp://m.x#part":                    "nothing between",
		"smtp://a:hunter2%zz@m.x":            encode,
		"smtp://a:hunter2#x@m.x":             encode,
		"smtp://a:hunter2/x@m.x":             encode,
		"smtp://a:hunter2?x@m.x":             encode,
		"smtp://a:hunter2 x@m.x":             encode,
		"smtp://m.x?tls=maybe":               "starttls, opportunistic, off or implicit",
		"smtps://m.x?tls=off":                "no other value of tls",
		"smtp://m.x?auth=plain":              "needs a user",
		"smtp://a:hunter2@m.x?auth=digest":   "plain, login, cram-md5 or xoauth2",
		"smtp://m.x?helo=a%20b":              "the name of a host",
		"smtp://m.x?verify=perhaps":          "verify of a route is true or false",
		"smtp://m.x?messages=0":              "from 1 to 1000000",
		"smtp://m.x?color=red":               `no parameter "color"`,
		"smtp://m.x?tls=off&tls=off":         "there twice",
		"smtp://m.x?tls=maybe&messages=none": "from 1 to 1000000",
	} {
		_, err := mailer.ParseRoute(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password: %v", text, err)
		}
	}
	if _, err := mailer.ParseRoute("smtp://m.x?tls=maybe&messages=none"); strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("not all faults at once: %v", err)
	}
}

func TestRoutesInLogsHaveNoPassword(t *testing.T) {
	t.Parallel()
	r := mailer.Route{Host: "m.x", Login: mailer.Login{Mechanism: mailer.Plain, User: "anna", Password: "hunter2"}}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	holder := struct{ R mailer.Route }{r}
	all := fmt.Sprintf("%v %+v %#v %v %+v %#v %+v %s", r, r, r, r.Login, r.Login, r.Login, holder, text)
	if strings.Contains(all, "hunter2") || !strings.Contains(all, "smtp://anna:xxxxx@m.x:587") {
		t.Error(all)
	}
}
