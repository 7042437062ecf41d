package mailer

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseRoute parses the way to a mail server:
//
//	smtp://user:password@host:port?tls=starttls&auth=plain
//	smtps://user:password@host
//
// Special characters of the user and the password are percent-encoded. The parameters are tls
// (starttls, opportunistic, off; implicit is what smtps:// says; required is another word for
// starttls), auth (plain, login, cram-md5, xoauth2), helo (the name for EHLO), verify=false (accept
// every certificate), plaintext-login=true (let the password travel unencrypted), pipelining=false
// and messages (how many a connection sends). The error names all that is wrong, and never repeats a
// part of the text that could be of the password.
func ParseRoute(text string) (Route, error) {
	scheme, rest, found := strings.Cut(text, "://")
	scheme = strings.ToLower(scheme)
	if !found || scheme != "smtp" && scheme != "smtps" {
		return Route{}, errors.New("a route begins with smtp:// or smtps://")
	}
	// A password that is not encoded shifts the parts of a URL. Then no part may be repeated.
	if end := strings.IndexAny(rest, "/?#"); end >= 0 && strings.Contains(rest[end:], "@") {
		return Route{}, errors.New("the user or the password of a route holds a character that must be percent-encoded")
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return Route{}, errors.New("a route has the form smtp://user:password@host:port, with special characters of " +
			"the user and the password percent-encoded")
	}
	r := Route{Host: u.Hostname()}
	if scheme == "smtps" {
		r.Security = Implicit
	}
	var faults []error
	wrong := func(format string, values ...any) { faults = append(faults, fmt.Errorf(format, values...)) }
	if r.Host == "" {
		wrong("a route names a host")
	}
	if u.Path != "" && u.Path != "/" || u.Fragment != "" {
		wrong("a route has nothing between its port and the ? of its parameters")
	}
	if port := u.Port(); port != "" {
		if r.Port, err = strconv.Atoi(port); err != nil || r.Port < 1 || r.Port > 65535 {
			wrong("the port of a route is a number from 1 to 65535")
		}
	}
	r.Login.User = u.User.Username()
	r.Login.Password, _ = u.User.Password()
	switch {
	case r.Login.User == "" && r.Login.Password != "":
		wrong("a route with a password has a user")
	case r.Login.User != "" && r.Login.Password == "":
		wrong("a route with a user has a password")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		wrong("the parameters of a route have the form name=value&name=value")
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if err := r.set(name, query[name]); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return Route{}, err
	}
	return r, nil
}

// set sets one parameter of a route.
func (r *Route) set(name string, values []string) error {
	value := values[len(values)-1]
	if len(values) > 1 {
		return fmt.Errorf("the parameter %s of a route is there twice", name)
	}
	switch name {
	case "tls":
		return r.setSecurity(value)
	case "auth":
		mechanism := Mechanism(strings.ToUpper(value))
		if !slices.Contains([]Mechanism{Plain, LoginAuth, CramMD5, XOAuth2}, mechanism) {
			return errors.New("the parameter auth of a route is plain, login, cram-md5 or xoauth2")
		}
		if r.Login.User == "" {
			return errors.New("the parameter auth of a route needs a user and a password")
		}
		r.Login.Mechanism = mechanism
	case "helo":
		if value == "" || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return errors.New("the parameter helo of a route is the name of a host")
		}
		r.HeloName = value
	case "verify", "plaintext-login", "pipelining":
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("the parameter %s of a route is true or false", name)
		}
		switch name {
		case "verify":
			r.SkipVerify = !yes
		case "plaintext-login":
			r.AllowPlaintextLogin = yes
		default:
			r.NoPipelining = !yes
		}
	case "messages":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 1_000_000 {
			return errors.New("the parameter messages of a route is a number from 1 to 1000000")
		}
		r.Messages = n
	default:
		return fmt.Errorf("a route has no parameter %q, only tls, auth, helo, verify, plaintext-login, pipelining "+
			"and messages", name)
	}
	return nil
}

// setSecurity sets the parameter tls.
func (r *Route) setSecurity(value string) error {
	if value == "required" {
		value = string(StartTLS)
	}
	security := Security(value)
	if !slices.Contains([]Security{Implicit, StartTLS, Opportunistic, Off}, security) {
		return errors.New("the parameter tls of a route is starttls, opportunistic, off or implicit")
	}
	if r.Security == Implicit && security != Implicit {
		return errors.New("a route with smtps:// has no other value of tls than implicit")
	}
	r.Security = security
	return nil
}
