package translate

import (
	"bytes"
	"errors"
	"fmt"
	"mime/multipart"
	"net/url"
	"regexp"
	"strings"
)

// message is the part of a request that the bridge reads.
type message struct {
	query, contentType string
	body               []byte
	// authorized is true if the request has an Authorization header.
	authorized bool
	notes      []string
	// expanded lists what a shell would have replaced; empty if there is nothing.
	expanded string
}

// curl collects the options of a curl command.
type curl struct {
	method, contentType string
	urls, query         []string
	data                []byte
	form                []field
	hasData, get        bool
	authorized          bool
	// input is the standard input of the command, or nil if it is unknown.
	input *string
	notes []string
}

// field is one field of a multipart form.
type field struct{ name, value string }

var errFile = errors.New("a part of the request is in a file or on the standard input of curl: write it in its place")

// readCurl reads the words after the word curl.
func readCurl(c *shellCommand) (*message, error) {
	r := &curl{input: c.input}
	if c.background {
		r.notes = append(
			r.notes, "An & outside of quotes ends the command: what follows it is not a part of the request.",
		)
	}
	if err := r.options(c.words); err != nil {
		return nil, err
	}
	return r.message()
}

func (r *curl) options(words []string) error {
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		var err error
		switch {
		case word == "--":
			r.urls = append(r.urls, words...)
			return nil
		case strings.HasPrefix(word, "--"):
			words, err = r.long(word, words)
		case len(word) > 1 && word[0] == '-':
			words, err = r.short(word[1:], words)
		default:
			r.urls = append(r.urls, word)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// long reads one option and returns the words after the option and its value. Unknown options take
// no value.
func (r *curl) long(word string, rest []string) ([]string, error) {
	name := strings.TrimPrefix(word, "--")
	if !valued[name] {
		return rest, r.option(name, "")
	}
	if len(rest) == 0 {
		return nil, fmt.Errorf("curl: the option --%s lacks its value", name)
	}
	return rest[1:], r.option(name, rest[0])
}

// short reads one-letter options. The last one may have its value in the same word.
func (r *curl) short(letters string, rest []string) ([]string, error) {
	for i := range len(letters) {
		name, known := letter[letters[i]]
		if !known || !valued[name] {
			if err := r.option(name, ""); err != nil {
				return nil, err
			}
			continue
		}
		if value := letters[i+1:]; value != "" {
			return rest, r.option(name, value)
		}
		return r.long("--"+name, rest)
	}
	return rest, nil
}

// option reads one option. It ignores options that do not change the request.
func (r *curl) option(name, value string) (err error) {
	switch name {
	case "url":
		r.urls = append(r.urls, value)
	case "request":
		r.method = value
	case "get":
		r.get = true
	case "head":
		r.method = "HEAD"
	case "header":
		return r.header(value)
	case "oauth2-bearer":
		r.authorized = true
	case "data", "data-ascii", "data-binary", "data-raw", "json", "data-urlencode":
		return r.add(name, value)
	case "url-query":
		text, err := r.encoded(value)
		if raw, ok := strings.CutPrefix(value, "+"); ok {
			text, err = raw, nil
		}
		r.query = append(r.query, text)
		return err
	case "form", "form-string":
		return r.part(name, value)
	case "next":
		return errors.New("curl: there are several requests in it: translate one at a time")
	case "config":
		return errors.New("curl: options in a file (--config) cannot be read: write them in its place")
	case "upload-file":
		return errors.New("curl: an upload (--upload-file) is no request of the API")
	default:
		if strings.HasPrefix(name, "expand-") {
			return errors.New("curl: variables of curl (--expand-…) cannot be translated")
		}
	}
	return err
}

func (r *curl) header(text string) error {
	if strings.HasPrefix(text, "@") {
		return errFile
	}
	name, value, _ := strings.Cut(text, ":")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "content-type":
		r.contentType = strings.TrimSpace(value)
	case "authorization":
		r.authorized = true
	}
	return nil
}

// add appends to the body as curl does: with & as the separator, except for pieces of JSON.
func (r *curl) add(option, value string) error {
	text, err := value, error(nil)
	switch option {
	case "data-urlencode":
		text, err = r.encoded(value)
	case "data-raw":
	default:
		if strings.HasPrefix(value, "@") {
			text, err = r.file(value[1:])
		}
		if strings.HasPrefix(value, "@") && (option == "data" || option == "data-ascii") {
			text = strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)
		}
	}
	if err != nil {
		return err
	}
	if option == "json" {
		if r.contentType == "" {
			r.contentType = "application/json"
		}
	} else if r.hasData {
		r.data = append(r.data, '&')
	}
	r.hasData = true
	r.data = append(r.data, text...)
	return nil
}

// file returns the content of a file named in a request. The content is known only for standard
// input from a here-document.
func (r *curl) file(name string) (string, error) {
	if name != "-" || r.input == nil {
		return "", errFile
	}
	return *r.input, nil
}

// encoded reads the forms of --data-urlencode: content, =content, name=content, @file and
// name@file.
func (r *curl) encoded(value string) (string, error) {
	name, content, found := strings.Cut(value, "=")
	if !found {
		var file string
		if name, file, found = strings.Cut(value, "@"); found {
			var err error
			if content, err = r.file(file); err != nil {
				return "", err
			}
		} else {
			name, content = "", value
		}
	}
	content = url.QueryEscape(content)
	if name == "" {
		return content, nil
	}
	return name + "=" + content, nil
}

// part reads one field of a multipart form. Files are ignored, as the server ignores them.
func (r *curl) part(option, text string) error {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("curl: --%s needs name=value", option)
	}
	if option == "form" {
		switch {
		case strings.HasPrefix(value, "@"):
			r.notes = append(r.notes, "A file in a form was ignored, and is left out.")
			return nil
		case strings.HasPrefix(value, "<"):
			var err error
			if value, err = r.file(strings.SplitN(value[1:], ";", 2)[0]); err != nil {
				return err
			}
		default:
			value = formValue(value)
		}
	}
	r.form = append(r.form, field{name, value})
	return nil
}

// formAttribute matches the beginning of an attribute after the value of a field, such as
// ;type=text/plain.
var formAttribute = regexp.MustCompile(`;\s*(type|filename|headers|encoder)=`)

// formValue returns the value of -F name=value: the text in double quotes if it begins with one, or
// the text up to the first attribute.
func formValue(text string) string {
	if strings.HasPrefix(text, `"`) {
		var out strings.Builder
		for i := 1; i < len(text); i++ {
			switch {
			case text[i] == '"':
				return out.String()
			case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == '"'):
				i++
			}
			out.WriteByte(text[i])
		}
		return text // the quote is not closed, so it is part of the value
	}
	if at := formAttribute.FindStringIndex(text); at != nil {
		return text[:at[0]]
	}
	return text
}

// message returns the request that the options make.
func (r *curl) message() (*message, error) {
	if r.hasData && r.form != nil {
		return nil, errors.New("curl: a form (-F) and data (-d) exclude each other")
	}
	switch {
	case r.method == "" || r.method == "GET" || r.method == "POST":
	case methodName.MatchString(r.method):
		return nil, fmt.Errorf("the API has no method %s: use POST or GET", r.method)
	default:
		return nil, errors.New("the API has the methods POST and GET alone")
	}
	query, err := r.queryString()
	if err != nil {
		return nil, err
	}
	m := &message{query: query, contentType: r.contentType, authorized: r.authorized, notes: r.notes}
	switch {
	case r.form != nil:
		m.contentType, m.body, err = multipartBody(r.form)
		return m, err
	case r.get:
		return m, nil
	case m.contentType == "":
		m.contentType = "application/x-www-form-urlencoded"
	}
	m.body = r.data
	return m, nil
}

var methodName = regexp.MustCompile(`^[A-Z]{1,20}$`)

func (r *curl) queryString() (string, error) {
	var addresses []string
	for _, u := range r.urls {
		if strings.Contains(u, "://") || strings.Contains(u, "?") {
			addresses = append(addresses, u)
		}
	}
	if len(addresses) > 1 {
		return "", errors.New("curl: there are several URLs in it: translate one request at a time")
	}
	var parts []string
	for _, u := range addresses {
		parts = append(parts, queryOf(u))
	}
	parts = append(parts, r.query...)
	if r.get {
		parts = append(parts, string(r.data))
	}
	return strings.Join(parts, "&"), nil
}

// queryOf returns the query string of a URL.
func queryOf(address string) string {
	address, _, _ = strings.Cut(address, "#")
	_, query, _ := strings.Cut(address, "?")
	return query
}

func multipartBody(fields []field) (contentType string, body []byte, err error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, f := range fields {
		if err := w.WriteField(f.name, f.value); err != nil {
			return "", nil, err
		}
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), buf.Bytes(), nil
}
