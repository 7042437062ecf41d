package translate

import (
	"errors"
	"strings"
)

// Placeholders for secrets, which are never repeated.
const (
	yourPassword = "<password>"
	yourKey      = "<API key>"
)

func logIn(r *reading) (string, map[string]any, error) {
	input := map[string]any{}
	key := r.Has("APIKey") || r.Has("AdminAPIKey")
	switch user, password := r.Text("Username"), r.Text("Password"); {
	case user == "" && password == "" && key:
		input["apiKey"] = yourKey
	case strings.TrimSpace(user) == "" || password == "":
		return "", nil, refused(errors.New("User.Login lacks Username or Password"))
	default:
		input["username"], input["password"] = user, yourPassword
	}
	r.notef("Put the secret into the variables: it is not repeated here.")
	for _, name := range []string{"RememberMe", "Captcha", "DisableCaptcha", "TFACode"} {
		if r.Has(name) {
			r.notef("%s was ignored, and is left out.", name)
		}
	}
	r.notef("UserInfo: ask for viewer, with the session's token in the header Authorization.")
	return mutation("login", "sessionToken\nexpiresAt"), withInput(input), nil
}

func logOut(r *reading) (string, map[string]any, error) {
	r.notef("The session that ends is that of the header  Authorization: Bearer … ; a key is not a session and stays.")
	return "mutation Logout {\n  logout {\n    ended\n  }\n}\n", map[string]any{}, nil
}
