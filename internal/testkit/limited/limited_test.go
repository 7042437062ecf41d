package limited_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"campaignql/internal/testkit"
	"campaignql/internal/testkit/limited"
)

func TestTheServerRunsUnderTheLimit(t *testing.T) {
	testkit.OncePerRun(t) // what runs is another process, which a race detector does not see
	database := "sqlite:" + filepath.Join(t.TempDir(), "limited.db")
	key := limited.NewKey(t, database, "ann")
	s := limited.Start(t, database)
	s.MustBeAlive(t)
	if got := dataLimit(t, s.PID()); got != limited.DataLimit {
		t.Errorf("the data segment is limited to %d bytes, want %d", got, limited.DataLimit)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api.php",
		strings.NewReader("Command=Campaigns.Get&CampaignStatus=All&APIKey="+key))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
	m := s.Memory(t)
	t.Log(m)
	if m.PeakResident < m.Resident || m.Resident <= 0 || m.Data <= 0 || m.Data > limited.DataLimit {
		t.Errorf("implausible: %+v", m)
	}
	s.Stop()
	s.Stop()
}

// dataLimit returns the data segment limit of a process from the kernel.
func dataLimit(t *testing.T, pid int) int64 {
	t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(limits), "Max data size")
	n, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
