package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// maxEmbedded is the maximum size in bytes of an envelope within another document, because the
// document holds the whole envelope in memory.
const maxEmbedded = 4 << 20

var errTooLong = errors.New("command: the envelope is too long")

// Answer runs one command for the caller of ctx and returns the legacy envelope as JSON, for a
// surface that embeds it in its own response. parameters is the text of a JSON object, or empty.
// Credentials in it do not authenticate the caller; only User.Login and User.Logout read theirs.
// The envelope describes a failure, as over HTTP. If an envelope is longer than 4 MiB, Answer
// returns a failure that asks for pages.
func (b *Bridge) Answer(ctx context.Context, name string, parameters json.RawMessage) json.RawMessage {
	started := time.Now()
	response := b.Execute(ctx, name, parameters)
	text, err := response.within(maxEmbedded)
	if err != nil {
		failed := hardFailure(
			http.StatusBadRequest, codeMalformed,
			fmt.Sprintf("The answer is longer than %d bytes: ask for pages.", maxEmbedded),
		)
		if !errors.Is(err, errTooLong) {
			failed = b.failure(ctx, b.byName[fold(response.Command)], err)
		}
		failed.Command, response = response.Command, failed
		text, _ = response.MarshalJSON() // a failure contains no list that is still to be read
	}
	b.opts.Observe(response.Command, response.Outcome, time.Since(started))
	return text
}

// within marshals the envelope. It returns errTooLong if the envelope exceeds limit bytes.
func (r Response) within(limit int) (json.RawMessage, error) {
	var text []byte
	e := encoder{syntax: jsonSyntax{}}
	e.spill = func(part []byte) error {
		if text = append(text, part...); len(text) > limit {
			return errTooLong
		}
		return nil
	}
	if err := e.document(r.Body); err != nil {
		return nil, err
	}
	err := e.spill(e.buf)
	return text, err
}
