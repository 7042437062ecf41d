package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// media is a media type of responses.
type media struct {
	// contentType is shared by all responses and must not be modified.
	contentType []string
	// requestError is the status of a well-formed GraphQL request that is not executed.
	requestError int
}

var (
	plainJSON    = &media{[]string{"application/json; charset=utf-8"}, http.StatusOK}
	responseJSON = &media{[]string{"application/graphql-response+json; charset=utf-8"}, http.StatusBadRequest}
)

// negotiate returns the media type that the Accept header prefers: the one with the greatest
// quality, and the first of several with equal quality. It returns application/json for a wildcard,
// if there is no header, and if no listed type is supported. In the last case the client gets a
// readable error in a type that it did not ask for, which is more useful than an empty answer.
func negotiate(header http.Header) *media {
	values := header["Accept"]
	if len(values) == 1 {
		switch values[0] {
		case "*/*", "application/json":
			return plainJSON
		case "application/graphql-response+json":
			return responseJSON
		}
	}
	best, quality := plainJSON, 0.0
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			m := mediaOf(name)
			if q := qualityOf(params); m != nil && q > quality {
				best, quality = m, q
			}
		}
	}
	return best
}

func mediaOf(name string) *media {
	switch name {
	case "application/graphql-response+json":
		return responseJSON
	case "application/json", "application/*", "*/*":
		return plainJSON
	default:
		return nil
	}
}

// qualityOf returns the parameter q, or 1 if q is missing or not a number.
func qualityOf(params map[string]string) float64 {
	q, err := strconv.ParseFloat(params["q"], 64)
	if err != nil {
		return 1
	}
	return q
}
