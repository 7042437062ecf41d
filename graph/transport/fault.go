package transport

import (
	"fmt"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/surface"
)

// The values of extensions.code that this package sets. gqlgen sets GRAPHQL_PARSE_FAILED and
// GRAPHQL_VALIDATION_FAILED for errors of parsing and validation.
const (
	CodeBadRequest           = "BAD_REQUEST"
	CodePayloadTooLarge      = "PAYLOAD_TOO_LARGE"
	CodeRequestTimeout       = "REQUEST_TIMEOUT"
	CodeMethodNotAllowed     = "METHOD_NOT_ALLOWED"
	CodeUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
	CodeCanceled             = "CANCELED"
	CodeInternal             = "INTERNAL"
)

// Refusal is the reason why code outside of this package rejects a request.
type Refusal struct {
	Status        int
	Code, Message string
	// RetryAfter, if positive, is sent to the client.
	RetryAfter time.Duration
}

// fault is the reason why a request cannot be executed. Its message never repeats the body.
type fault struct {
	status  int
	code    string
	message string
	// retryAfter, if positive, is the number of seconds after which the client may try again.
	retryAfter int
}

func (r *Refusal) fault() *fault {
	return &fault{r.Status, r.Code, r.Message, surface.Seconds(r.RetryAfter)}
}

func refuse(status int, code, format string, args ...any) *fault {
	return &fault{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func (f *fault) graphQL() *gqlerror.Error {
	err := &gqlerror.Error{Message: sentence(f.message), Extensions: map[string]any{"code": f.code}}
	if f.retryAfter > 0 {
		err.Extensions["retryAfterSeconds"] = f.retryAfter
	}
	return err
}
