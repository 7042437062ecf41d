package command

// AsXMLReads returns the text that an XML parser reads.
func AsXMLReads(text string) string { return asXMLReads(text) }

// ElementName returns the XML element of a member of a JSON object.
func ElementName(name string) string { return elementName(name) }
