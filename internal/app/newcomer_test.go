package app_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/config"
	"campaignql/internal/secret"
	"campaignql/internal/testkit"
)

// The first minute of a newcomer, in a real browser: the tabs of the explorer from left to right.
func TestANewcomerSendsACampaignAndWatchesIt(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	cfg := settings()
	cfg.Demo = true
	cfg.Sending = config.Sending{Sending: true, SendingConnections: 8, SendingBurst: 64}
	made := func() (*secret.Secret, error) { return secret.Parse(secret.Random()) }
	server := runWith(t, "sqlite::memory:", cfg, made, "  demo key")
	page := browse(t, server.url+"/")
	const (
		button = `document.querySelector("button.graphiql-execute-button")`
		result = `document.querySelector(".result-window")?.innerText.replace(/\s/g, "") ?? ""`
	)
	open := func(operation string) {
		t.Helper()
		page.click(
			"the tab "+operation,
			`[...document.querySelectorAll(".graphiql-tab-button")].find(e => e.textContent.includes("`+operation+`"))`,
		)
		page.until(
			"the editor has "+operation, `document.querySelector(".graphiql-query-editor")?.innerText ?? ""`,
			func(value string) bool { return strings.Contains(value, operation) },
		)
	}
	// The page knows the operation to run a moment after its editor. A click that is too early is repeated, and
	// so is every click if the answer is wanted anew.
	execute := func(operation, wanted string, anew bool, unwanted ...string) {
		t.Helper()
		open(operation)
		page.click("the button", `(window.pressed = Date.now(), `+button+`)`)
		condition := `(text === "" || text.includes("notfound"))`
		if anew {
			condition = `true`
		}
		idle := button + `.getAttribute("aria-label").startsWith("Execute")`
		again := `(text => (` + idle + ` && ` + condition + ` && !(Date.now() - window.pressed < 2000)` +
			` && (window.pressed = Date.now(), ` + button + `.click()), text))(` + result + `)`
		pattern := regexp.MustCompile(wanted)
		page.until("the answer of "+operation+" has "+wanted, again, func(value string) bool {
			return pattern.MatchString(value) &&
				!slices.ContainsFunc(unwanted, func(text string) bool { return strings.Contains(value, text) })
		})
	}
	execute("SendCampaign", `"status":"(READY|SENDING)".*"userErrors":\[\]`, false)
	execute("CampaignChanged", `"name":"Yourfirstcampaign","status":"SENDING".*"phase":"SENDING".*"sent":[1-9]`, false)
	page.click("the button, now to stop", button)
	execute("PauseCampaign", `"status":"PAUSED".*"userErrors":\[\]`, false)
	execute("CampaignRun", `"status":"PAUSED".*"sent":[1-9]`, true)
	execute("ResumeCampaign", `"status":"(READY|SENDING)".*"userErrors":\[\]`, false)
	execute("CampaignRun", `"status":"SENT".*"Thereisnosuchmailboxhere".*"Themailboxisfull"|`+
		`"status":"SENT".*"Themailboxisfull".*"Thereisnosuchmailboxhere"`, true)

	execute("RetryRecipients", `"retried":[1-9].*"userErrors":\[\]`, false)
	// Who was full has got it now; who does not exist is a hard bounce, and was not asked for.
	execute("CampaignRun", `"status":"SENT","statusReason":"[0-9]+failed".*"Thereisnosuchmailboxhere"`, true, "full")

	mail := do(t, http.MethodGet, server.url+"/mail", "").body
	if !strings.Contains(mail, "This week at Kiefer &amp; Korn") {
		t.Error(mail)
	}
}
