package mailer

import "errors"

// ParseRoute parses the way to a mail server:
//
//	smtp://user:password@host:port?tls=starttls&auth=plain
//	smtps://user:password@host
//
// Special characters of the user and the password are percent-encoded. The parameters are tls
// (starttls, opportunistic, off; implicit is what smtps:// says; required is another word for
// starttls), auth (plain, login, cram-md5, xoauth2), helo (the name for EHLO), verify=false (accept
// every certificate), plaintext-login=true (let the password travel unencrypted), pipelining=false
// and messages (how many a connection sends). The error names what is wrong and never repeats a part
// of the text that could be of the password.
func ParseRoute(text string) (Route, error) {
	return Route{}, errors.New("not written yet")
}
