package command

// AsXMLReads is what a parser of XML makes of a text.
func AsXMLReads(text string) string { return asXMLReads(text) }

// ElementName is the element of a member of a JSON object.
func ElementName(name string) string { return elementName(name) }
