package command

import (
	"context"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

func (b *Bridge) userCommands() []Command {
	return []Command{
		{
			Name: "User.Login", Operation: "login", Public: true,
			Doc: "Opens a session, by user name or email address and password, or by an API key alone.",
			Parameters: []Parameter{
				required("Username", "The user name or the email address."),
				required("Password", "The password."),
				optional("APIKey", "An API key, instead of both; AdminAPIKey is another name for it."),
				optional("RememberMe", "Accepted and ignored."),
				optional("Captcha", "Accepted and ignored."),
				optional("DisableCaptcha", "Accepted and ignored."),
				optional("TFACode", "Accepted and ignored."),
			},
			Codes: []Code{
				{
					Number: 1, Shape: Array, Text: "User name is missing",
					Reasons: []apperr.Reason{apperr.ReasonUsernameRequired},
				},
				{
					Number: 2, Shape: Array, Text: "Password is missing",
					Reasons: []apperr.Reason{apperr.ReasonPasswordRequired},
				},
				{
					Number: 3, Shape: Array, Text: "Invalid login information",
					Reasons: []apperr.Reason{apperr.ReasonLoginInvalid, apperr.ReasonUserNotFound},
				},
			},
			run: b.login,
		},
		{
			Name: "User.Logout", Operation: "logout", Public: true,
			Doc: "Ends a session. It succeeds also when the session had ended already.",
			Parameters: []Parameter{
				optional("SessionID", "The session to end; without one there is none to end, which is success."),
			},
			run: b.logout,
		},
	}
}

func (b *Bridge) login(ctx context.Context, p Parameters) (Object, error) {
	session, err := b.Accounts.Login(ctx, account.Login{
		Username:   p.Text("Username"),
		Password:   p.Text("Password"),
		Key:        p.key(),
		RemoteAddr: surface.RequestOf(ctx).Client,
	})
	if err != nil {
		return nil, err
	}
	user := session.User
	return success(
		Member{"ErrorText", ""},
		Member{"SessionID", session.Token},
		Member{"UserInfo", Object{
			{"UserID", numberOf(user.ID).asString()},
			{"Username", user.Username},
			{"EmailAddress", user.Email},
			{"FirstName", user.FirstName},
			{"LastName", user.LastName},
			{"TimeZone", user.TimeZone},
			{"ReputationLevel", user.Reputation.Legacy()},
		}},
	), nil
}

// logout ends the session that the request names, for any caller. A request without a session is
// unauthenticated, unless it has a key.
func (b *Bridge) logout(ctx context.Context, p Parameters) (Object, error) {
	sent := sentCredentials(ctx, p)
	if sent.Session == "" {
		if _, err := caller.From(ctx); err != nil {
			if _, err := b.Accounts.Authenticate(ctx, sent, kind.SurfaceCommand); err != nil {
				return nil, err
			}
		}
	}
	if err := b.Accounts.Logout(ctx, sent.Session); err != nil {
		return nil, err
	}
	return success(), nil
}
