package transport

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The values of extensions.code that this package gives. Those of parsing and validation, GRAPHQL_PARSE_FAILED and
// GRAPHQL_VALIDATION_FAILED, are gqlgen's.
const (
	CodeBadRequest           = "BAD_REQUEST"
	CodePayloadTooLarge      = "PAYLOAD_TOO_LARGE"
	CodeMethodNotAllowed     = "METHOD_NOT_ALLOWED"
	CodeUnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
	CodeCanceled             = "CANCELED"
	CodeInternal             = "INTERNAL"
)

// fault is why a request cannot be executed. Its message never repeats the body.
type fault struct {
	status  int
	code    string
	message string
}

func refuse(status int, code, format string, args ...any) *fault {
	return &fault{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func (f *fault) graphQL() *gqlerror.Error {
	return &gqlerror.Error{Message: capitalised(f.message), Extensions: map[string]any{"code": f.code}}
}
