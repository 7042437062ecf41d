package transport

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/budget"
	"campaignql/internal/surface"
)

// write sends a response. It copies the data of gqlgen unchanged, because that is JSON already and
// encoding/json would read all of it again to compact it.
func (x *exchange) write(status int, resp *graphql.Response) {
	if resp.Data == nil {
		classify(resp.Errors)
	}
	before, after, err := frame(resp)
	if err != nil {
		x.writeUnencodable()
		return
	}
	header := x.w.Header()
	// A handler may have changed the type while it ran. The body written here has this type.
	header["Content-Type"] = x.media.contentType
	header["Content-Length"] = []string{strconv.Itoa(len(before) + len(resp.Data) + len(after))}
	if after := retryAfter(resp.Errors); after > 0 && header.Get("Retry-After") == "" {
		header.Set("Retry-After", strconv.Itoa(after))
	}
	x.w.WriteHeader(status)
	// A failed write means that the client is gone, so that there is nowhere to report the error.
	pace := surface.Pace{Held: budget.From(x.r.Context())}
	_, _ = pace.Write(x.w, before)
	_, _ = pace.Write(x.w, resp.Data)
	_, _ = pace.Write(x.w, after)
}

// retryAfter returns the number of seconds after which a client may ask again, and 0 if no error
// names one.
func retryAfter(errs gqlerror.List) int {
	longest := 0
	for _, err := range errs {
		after, _ := err.Extensions["retryAfterSeconds"].(int)
		longest = max(longest, after)
	}
	return longest
}

// onlyData holds the JSON before and after the data of a response that has only data.
var onlyData = [2][]byte{[]byte(`{"data":`), []byte(`}`)}

// frame returns the JSON of a response before its data and after it. A response without data has no
// data entry at all: this distinguishes a rejected request from one whose result is null.
func frame(resp *graphql.Response) (before, after []byte, err error) {
	if len(resp.Errors) == 0 && len(resp.Extensions) == 0 && resp.Data != nil {
		return onlyData[0], onlyData[1], nil
	}
	before = append(before, '{')
	if len(resp.Errors) > 0 {
		encoded, err := json.Marshal(resp.Errors)
		if err != nil {
			return nil, nil, err
		}
		before = append(append(before, `"errors":`...), encoded...)
	}
	if resp.Data != nil {
		before = append(separate(before), `"data":`...)
	}
	if len(resp.Extensions) > 0 {
		encoded, err := json.Marshal(resp.Extensions)
		if err != nil {
			return nil, nil, err
		}
		if resp.Data != nil {
			after = append(after, ',')
		} else {
			after = separate(before)[len(before):]
		}
		after = append(append(after, `"extensions":`...), encoded...)
	}
	return before, append(after, '}'), nil
}

// separate appends a comma to the text of a JSON object if the object has entries already.
func separate(text []byte) []byte {
	if len(text) > 1 {
		return append(text, ',')
	}
	return text
}

// classify sets a code on the errors that have none. The errors are those of a request that was not
// executed.
func classify(errs gqlerror.List) {
	for _, err := range errs {
		if err.Extensions["code"] == nil {
			if err.Extensions == nil {
				err.Extensions = make(map[string]any, 1)
			}
			err.Extensions["code"] = CodeBadRequest
		}
	}
}

// writeUnencodable answers a request if an error or extension of the server cannot be encoded as
// JSON.
func (x *exchange) writeUnencodable() {
	x.w.Header()["Content-Type"] = x.media.contentType
	x.w.WriteHeader(http.StatusInternalServerError)
	_, _ = x.w.Write([]byte(unencodable))
}

const unencodable = `{"errors":[{"message":"The response could not be encoded.","extensions":{"code":"` + CodeInternal + `"}}]}`
