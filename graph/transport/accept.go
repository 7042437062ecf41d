package transport

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// media is a media type that responses are written in.
type media struct {
	// contentType is shared by all responses and never changed.
	contentType []string
	// requestError is the status of a well-formed GraphQL request that is not executed.
	requestError int
}

var (
	plainJSON    = &media{[]string{"application/json; charset=utf-8"}, http.StatusOK}
	responseJSON = &media{[]string{"application/graphql-response+json; charset=utf-8"}, http.StatusBadRequest}
)

// negotiate returns the media type that the Accept header prefers: the one with the greatest
// quality, the first of those that are equal, and application/json for a wildcard, without the
// header, and when nothing fits: an error that the client did not ask to read helps it more than
// none.
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

// qualityOf returns the parameter q, 1 when there is none or it is not a number.
func qualityOf(params map[string]string) float64 {
	q, err := strconv.ParseFloat(params["q"], 64)
	if err != nil {
		return 1
	}
	return q
}
