package app_test

import (
	"net/http"
	"testing"

	"campaignql/internal/testkit"
)

func TestBothPathsAnswerCommandsByPostAndByGet(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	s := onSQLite(t)
	form := "Command=Tags.Get&APIKey=" + s.Account(t).Key
	const want = `{"Success":true,"ErrorCode":0,"TotalTagCount":0,"Tags":[]}`
	for _, path := range []string{"/api.php", "/command"} {
		for name, got := range map[string]answer{
			"POST":                        do(t, http.MethodPost, s.URL+path, form, "Content-Type: application/x-www-form-urlencoded"),
			"POST without a content type": do(t, http.MethodPost, s.URL+path, form),
			"GET":                         do(t, http.MethodGet, s.URL+path+"?"+form, ""),
		} {
			if got.status != http.StatusOK || got.body != want || got.header.Get("X-GraphQL-Operation") != "tags" ||
				got.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Errorf("%s %s: %d %v %s", name, path, got.status, got.header, got.body)
			}
		}
		if got := do(t, http.MethodDelete, s.URL+path+"?"+form, ""); got.status != http.StatusBadRequest ||
			got.header.Get("X-GraphQL-Operation") != "tags" {
			t.Errorf("DELETE %s: %d %s", path, got.status, got.body)
		}
	}
}
