package command

import (
	"context"
	"net/http"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

// maxTried is how many credentials are checked while a body is still being read.
const maxTried = 4

// incoming is a request while it is being read.
type incoming struct {
	bridge *Bridge
	body   surface.Body
	// tried are the credentials that were checked, each once.
	tried []attempt
	// tail is the end of the text searched so far. It may contain the beginning of credentials.
	tail []byte
}

// attempt is the result of checking credentials.
type attempt struct {
	sent account.Credentials
	id   caller.Identity
	err  error
}

// read reads the body and merges its parameters over those of the URL. A body that is not small
// needs admission by the credentials of the header, of the URL, or of the part of the body read so
// far, because scripts put APIKey anywhere.
func (in *incoming) read(ctx context.Context, w http.ResponseWriter, r *http.Request, p Parameters) error {
	most := in.bridge.opts.MaxBody
	err := in.bridge.opts.Bodies.Read(ctx, &in.body, surface.BodyRequest{
		From: surface.HTTPBody(w, r), Length: r.ContentLength, MaxBody: most,
		Identify: func(ctx context.Context, part []byte) (surface.Grant, error) {
			if part == nil {
				return in.grant(ctx, sentCredentials(ctx, p))
			}
			return in.search(ctx, part)
		},
	})
	if err != nil {
		surface.LeaveUnread(w)
		return err
	}
	if err := decode(ctx, r.Header.Get("Content-Type"), &in.body, p); err != nil {
		return err
	}
	return in.own(ctx, p)
}

// grant checks credentials. Invalid credentials grant nothing, as if none had been sent.
func (in *incoming) grant(ctx context.Context, sent account.Credentials) (surface.Grant, error) {
	if sent == (account.Credentials{}) {
		return surface.Grant{}, nil
	}
	id, err := in.authenticate(ctx, sent)
	switch {
	case err == nil:
		return surface.Grant{Account: id.UserID}, nil
	case apperr.CodeOf(err) == apperr.Unauthenticated:
		return surface.Grant{}, nil
	default:
		in.bridge.opts.Logger.ErrorContext(ctx, "cannot look up credentials", "error", surface.Cause(err))
		return surface.Grant{}, apperr.New(apperr.Unavailable, "the server cannot tell who you are: try again")
	}
}

// search looks for credentials in the next part of the body, and across the boundary to the
// previous part.
func (in *incoming) search(ctx context.Context, part []byte) (surface.Grant, error) {
	seam := append(in.tail, part[:min(len(part), account.MaxSecretLength)]...)
	for _, text := range [][]byte{seam, part} {
		for len(in.tried) < maxTried {
			sent, end := account.FindCredentials(text)
			if sent == (account.Credentials{}) {
				break
			}
			if grant, err := in.grant(ctx, sent); err != nil || grant.Account != 0 {
				return grant, err
			}
			text = text[end:]
		}
	}
	if len(part) >= account.MaxSecretLength {
		seam = part
	}
	in.tail = append([]byte(nil), seam[max(0, len(seam)-account.MaxSecretLength):]...)
	return surface.Grant{}, nil
}

// own assigns a large body to its account if the credentials were found only at its end.
func (in *incoming) own(ctx context.Context, p Parameters) error {
	if in.body.Size() <= surface.FreeBody {
		return nil
	}
	grant, err := in.grant(ctx, sentCredentials(ctx, p))
	if err != nil || grant.Account == 0 {
		return err
	}
	return in.body.Own(grant.Account)
}

// authenticate checks credentials, each only once per request.
func (in *incoming) authenticate(ctx context.Context, sent account.Credentials) (caller.Identity, error) {
	if sent.Key != "" {
		sent.Session = "" // as Accounts.Authenticate does
	}
	for _, one := range in.tried {
		if one.sent == sent {
			return one.id, one.err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, in.bridge.opts.Timeout) // the body keeps its admission meanwhile
	defer cancel()
	id, err := in.bridge.Accounts.Authenticate(ctx, sent, kind.SurfaceCommand)
	in.tried = append(in.tried, attempt{sent, id, err})
	return id, err
}

// identify returns a context with the caller whose credentials are in the parameters. With an error
// the context is ctx itself.
func (in *incoming) identify(ctx context.Context, p Parameters) (context.Context, error) {
	id, err := in.authenticate(ctx, sentCredentials(ctx, p))
	if err != nil {
		return ctx, err
	}
	return surface.Enter(ctx, id)
}
