package smtpsink

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// mechanisms returns the mechanisms of AUTH that are offered.
func (o Options) mechanisms() []string {
	if o.Login.Mechanisms != nil {
		return o.Login.Mechanisms
	}
	return []string{"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}
}

// auth is the dialog of AUTH.
func (s *session) auth(argument string) error {
	login := s.sink.options.Login
	mechanism, initial, given := strings.Cut(argument, " ")
	mechanism = strings.ToUpper(mechanism)
	if login.User == "" || !slices.Contains(s.sink.options.mechanisms(), mechanism) {
		s.sink.violation("AUTH %s was not offered", mechanism)
		s.reply("504 5.5.4 not offered")
		return nil
	}
	var right bool
	var err error
	switch mechanism {
	case "PLAIN":
		var response string
		if response, err = s.first(initial, given, ""); err == nil {
			right = response == "\x00"+login.User+"\x00"+login.Password
		}
	case "XOAUTH2":
		var response string
		if response, err = s.first(initial, given, ""); err == nil {
			right = response == "user="+login.User+"\x01auth=Bearer "+login.Password+"\x01\x01"
		}
		if err == nil && (!right || login.Refuse) { // the reason, which the client answers with an empty line
			_, err = s.challenge(`{"status":"401","schemes":"bearer","scope":"https://mail.example/` +
				strings.Repeat("x", 300) + `"}`)
		}
	case "LOGIN":
		var user, password string
		if user, err = s.first(initial, given, "User Name\x00"); err == nil {
			password, err = s.challenge("password:")
		}
		right = user == login.User && password == login.Password
	case "CRAM-MD5":
		var response string
		const nonce = "<1896.697170952@sink>"
		response, err = s.challenge(nonce)
		mac := hmac.New(md5.New, []byte(login.Password))
		mac.Write([]byte(nonce))
		right = response == login.User+" "+hex.EncodeToString(mac.Sum(nil))
	}
	switch {
	case err != nil:
		return err
	case !right || login.Refuse:
		s.reply("535 5.7.8 wrong user or password")
	default:
		s.loggedIn = true
		s.reply("235 2.7.0 welcome")
	}
	return nil
}

// first returns the initial response, or asks for it.
func (s *session) first(initial string, given bool, challenge string) (string, error) {
	if !given {
		return s.challenge(challenge)
	}
	response, err := base64.StdEncoding.DecodeString(initial)
	return string(response), err
}

// challenge asks and returns the response.
func (s *session) challenge(text string) (string, error) {
	s.reply("334 " + base64.StdEncoding.EncodeToString([]byte(text)))
	line, err := s.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	response, err := base64.StdEncoding.DecodeString(strings.TrimRight(line, "\r\n"))
	return string(response), err
}
