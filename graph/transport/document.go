package transport

import (
	"cmp"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
)

// documentID is the id of a registered document in a request.
type documentID string

// UnmarshalJSON implements [json.Unmarshaler]. It reads strings and numbers. Other values are ignored
// like unknown fields: the names of the fields with ids are not reserved.
func (d *documentID) UnmarshalJSON(text []byte) error {
	var id string
	switch text[0] {
	case '"':
		if err := json.Unmarshal(text, &id); err != nil {
			return err
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		id = string(text)
	}
	*d = documentID(id)
	return nil
}

// document returns the id of the document that a payload names, whichever spelling it uses, or an
// empty string.
func (p *payload) document() string {
	return cmp.Or(string(p.DocumentID), string(p.DocID), string(p.ID), persistedHash(p.Extensions))
}

// persisted returns extensions with the id of a document, in the spelling of Apollo, besides the entries
// that they have.
func persisted(extensions object, id string) object {
	if extensions == nil {
		extensions = object{}
	}
	extensions["persistedQuery"] = map[string]any{"version": 1, "sha256Hash": id}
	return extensions
}

func persistedHash(extensions map[string]any) string {
	query, _ := extensions["persistedQuery"].(map[string]any)
	hash, _ := query["sha256Hash"].(string)
	return hash
}

// DocumentID returns the id of the document that a request names instead of sending its text, or an
// empty string. The transports have brought all spellings into one.
func DocumentID(params *graphql.RawParams) string { return persistedHash(params.Extensions) }
