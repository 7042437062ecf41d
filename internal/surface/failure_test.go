package surface_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

func TestEveryCodeOfAFailureHasAStatus(t *testing.T) {
	t.Parallel()
	for _, code := range apperr.Codes() {
		internal := code == apperr.Internal
		if got := surface.Status(code); got < 400 || (got == http.StatusInternalServerError) != internal {
			t.Errorf("%s has the status %d", code, got)
		}
		if got := surface.Code(code); got == "" || (got == "INTERNAL") != internal {
			t.Errorf("%s has the code %q", code, got)
		}
	}
}

// TestAPanicInTheMiddleOfAnAnswerBreaksTheConnection checks that a client cannot take a part of a
// response for the whole.
func TestAPanicInTheMiddleOfAnAnswerBreaksTheConnection(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	server := httptest.NewServer(surface.Recover(quiet, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			_, _ = io.WriteString(w, "half of")
			_ = http.NewResponseController(w).Flush()
		}
		panic("a fault of the program")
	})))
	defer server.Close()
	response, err := http.Get(server.URL + "/begun")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err == nil || string(body) != "half of" {
		t.Errorf("the client reads %q, %v; want an error after the first part", body, err)
	}
	response, err = http.Get(server.URL + "/fresh")
	if err != nil {
		t.Fatal(err)
	}
	body, _ = io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), `"code":"INTERNAL"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}
