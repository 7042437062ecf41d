package graph

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/vektah/gqlparser/v2/formatter"
)

// Schema returns the text of the schema as clients see it.
var Schema = sync.OnceValue(func() string {
	var text bytes.Buffer
	// The formatter omits a schema definition with default names, and its description too.
	fmt.Fprintf(&text, "\"\"\"\n%s\n\"\"\"\nschema {\n\tquery: %s\n\tmutation: %s\n\tsubscription: %s\n}\n",
		served().Description, served().Query.Name, served().Mutation.Name, served().Subscription.Name)
	formatter.NewFormatter(&text, formatter.WithComments()).FormatSchema(served())
	return text.String()
})
