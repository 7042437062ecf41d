package mailer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/smtp"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
)

// login logs in with the mechanism of the route.
func (c *Conn) login(ctx context.Context, passed func(Step, string)) *Fault {
	mechanism, fault := c.mechanism()
	if fault != nil {
		return fault
	}
	if fault := c.checkSecrecy(mechanism); fault != nil {
		return fault
	}
	login := c.route.Login
	client := saslClient(mechanism, login)
	// A server may repeat in its reply what it was given.
	if login.Password != "" {
		c.secrets = []string{login.Password, base64.StdEncoding.EncodeToString([]byte(login.Password))}
	}
	defer func() { c.secrets = nil }()
	r, err := c.authenticate(ctx, client)
	switch {
	case err != nil:
		return faultOf(StepAuth, err)
	case r.code != 235:
		return r.fault(StepAuth)
	default:
		passed(StepAuth, fmt.Sprintf("logged in as %s with %s", login.User, mechanism))
		return nil
	}
}

// mechanism returns the mechanism to use.
func (c *Conn) mechanism() (Mechanism, *Fault) {
	parameters, offered := c.extensions["AUTH"]
	if !offered {
		return "", &Fault{Step: StepAuth, Text: "the server offers no login" + c.unencrypted()}
	}
	offers := strings.Fields(strings.ToUpper(parameters))
	if wanted := c.route.Login.Mechanism; wanted != Automatic {
		if !slices.Contains(offers, string(wanted)) {
			return "", &Fault{Step: StepAuth, Text: clean(fmt.Sprintf("the server offers no login by %s, only by %s",
				wanted, strings.Join(offers, ", ")))}
		}
		return wanted, nil
	}
	for _, mechanism := range []Mechanism{Plain, LoginAuth, CramMD5} {
		if slices.Contains(offers, string(mechanism)) {
			return mechanism, nil
		}
	}
	return "", &Fault{Step: StepAuth, Text: clean("the server offers logins only by " + strings.Join(offers, ", "))}
}

// unencrypted is a hint for a server that offers logins only over TLS.
func (c *Conn) unencrypted() string {
	if c.tls == nil {
		return " over an unencrypted connection"
	}
	return ""
}

// checkSecrecy keeps a password from a connection on which others could read it. CRAM-MD5 does not
// send the password.
func (c *Conn) checkSecrecy(mechanism Mechanism) *Fault {
	encrypted := c.tls != nil && (c.problem == nil || c.route.SkipVerify)
	if encrypted || mechanism == CramMD5 || c.route.AllowPlaintextLogin || c.isLoopback() {
		return nil
	}
	text := "the password is not sent over an unencrypted connection; the server does not offer STARTTLS or the " +
		"route turns it off"
	if c.tls != nil {
		text = "the password is not sent to a server that others could pose as: " +
			certificateText(c.problem, c.route.Host)
	}
	return &Fault{Step: StepAuth, Text: clean(text)}
}

// authenticate is the dialog of AUTH, see RFC 4954. It returns the server's last reply.
func (c *Conn) authenticate(ctx context.Context, client sasl.Client) (reply, error) {
	mechanism, initial, err := client.Start()
	if err != nil {
		return reply{}, err
	}
	command := "AUTH " + mechanism
	if initial != nil {
		command += " " + c.encode(initial)
	}
	for range 8 {
		line := "" // whole, which the text of a reply is not
		r, err := c.askLines(ctx, command, func(text string) { line = text })
		if err != nil || r.code != 334 {
			return r, err
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return reply{}, fmt.Errorf("%w: a challenge that is not base64", errMalformed)
		}
		response, err := client.Next(challenge)
		if err != nil {
			return reply{}, err
		}
		command = c.encode(response)
	}
	return reply{}, errors.New("the server asks without end")
}

// encode encodes a response, which is a secret too.
func (c *Conn) encode(response []byte) string {
	text := base64.StdEncoding.EncodeToString(response)
	if text != "" {
		c.secrets = append([]string{text}, c.secrets...) // before the password, which it may contain
	}
	return text
}

// saslClient returns the client of a mechanism.
func saslClient(mechanism Mechanism, login Login) sasl.Client {
	switch mechanism {
	case LoginAuth:
		return &dialog{mechanism: LoginAuth, answers: []string{login.User, login.Password}}
	case CramMD5:
		return cramMD5{smtp.CRAMMD5Auth(login.User, login.Password)}
	case XOAuth2:
		token := "user=" + login.User + "\x01auth=Bearer " + login.Password + "\x01\x01"
		// A refused token gets a challenge with the reason, which an empty answer ends.
		return &dialog{mechanism: XOAuth2, initial: []byte(token), answers: []string{""}}
	default:
		return sasl.NewPlainClient("", login.User, login.Password)
	}
}

// dialog answers one challenge after the other, whatever they are. Servers do not agree on the
// challenges of LOGIN.
type dialog struct {
	mechanism Mechanism
	initial   []byte
	answers   []string
}

func (d *dialog) Start() (mechanism string, initial []byte, err error) {
	return string(d.mechanism), d.initial, nil
}

func (d *dialog) Next([]byte) ([]byte, error) {
	if len(d.answers) == 0 {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	answer := d.answers[0]
	d.answers = d.answers[1:]
	return []byte(answer), nil
}

// cramMD5 gives the client of the standard library the form of the others.
type cramMD5 struct{ smtp.Auth }

func (c cramMD5) Start() (mechanism string, initial []byte, err error) {
	return string(CramMD5), nil, nil
}

func (c cramMD5) Next(challenge []byte) ([]byte, error) { return c.Auth.Next(challenge, true) }
