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

// write sends a response. The data of gqlgen is JSON already and is passed on as it is;
// encoding/json would read all of it once more to compact it.
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
	// A handler may have changed the type while it ran; what is written here is this.
	header["Content-Type"] = x.media.contentType
	header["Content-Length"] = []string{strconv.Itoa(len(before) + len(resp.Data) + len(after))}
	if after := retryAfter(resp.Errors); after > 0 && header.Get("Retry-After") == "" {
		header.Set("Retry-After", strconv.Itoa(after))
	}
	x.w.WriteHeader(status)
	// When writing fails the client is gone, and there is nobody to tell.
	pace := surface.Pace{Held: budget.From(x.r.Context())}
	_, _ = pace.Write(x.w, before)
	_, _ = pace.Write(x.w, resp.Data)
	_, _ = pace.Write(x.w, after)
}

// retryAfter is after how many seconds a client may ask again, 0 where no error says so.
func retryAfter(errs gqlerror.List) int {
	longest := 0
	for _, err := range errs {
		after, _ := err.Extensions["retryAfterSeconds"].(int)
		longest = max(longest, after)
	}
	return longest
}

// onlyData is what surrounds the data of a response that has nothing else.
var onlyData = [2][]byte{[]byte(`{"data":`), []byte(`}`)}

// frame returns the JSON of a response before its data and after it. A response without data has no data entry at all,
// which is what tells a refused request from one whose result is null.
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

// separate adds a comma to the text of an object that has entries.
func separate(text []byte) []byte {
	if len(text) > 1 {
		return append(text, ',')
	}
	return text
}

// classify gives a code to the errors of a request that was not executed and which have none.
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

// writeUnencodable answers when an error or extension of the server cannot be written as JSON.
func (x *exchange) writeUnencodable() {
	x.w.Header()["Content-Type"] = x.media.contentType
	x.w.WriteHeader(http.StatusInternalServerError)
	_, _ = x.w.Write([]byte(unencodable))
}

const unencodable = `{"errors":[{"message":"The response could not be encoded.","extensions":{"code":"` + CodeInternal + `"}}]}`
