package graph

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/vektah/gqlparser/v2/formatter"
)

// Schema returns the schema as text, as it is served.
var Schema = sync.OnceValue(func() string {
	var text bytes.Buffer
	// The formatter leaves out a schema definition that names nothing unusual, and its description with it.
	fmt.Fprintf(&text, "\"\"\"\n%s\n\"\"\"\nschema {\n\tquery: %s\n\tmutation: %s\n\tsubscription: %s\n}\n",
		served().Description, served().Query.Name, served().Mutation.Name, served().Subscription.Name)
	formatter.NewFormatter(&text, formatter.WithComments()).FormatSchema(served())
	return text.String()
})
