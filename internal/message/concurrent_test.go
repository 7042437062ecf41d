package message

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

func TestOneContentIsWrittenByManyAtOnce(t *testing.T) {
	t.Parallel()
	content := compiled(t, samples()["page"])
	var group sync.WaitGroup
	for n := range 8 {
		to := jane(t)
		name := strings.Repeat(string(rune('a'+n)), 20)
		to.Values[SubscriberFirstName] = name
		group.Go(func() {
			buf := new(bytes.Buffer)
			for range 50 {
				buf.Reset()
				if _, err := content.Write(buf, envelope(), run(), to); err != nil {
					t.Error(err)
				}
				if got := readBack(t, buf.Bytes()); strings.Count(got.plain, name) != 1 || strings.Count(got.html, name) != 2 {
					t.Errorf("%s is not in its message", name)
				}
			}
		})
	}
	group.Wait()
}

func TestWritingIntoAUsedBufferAllocatesNextToNothing(t *testing.T) {
	content := compiled(t, samples()["page"])
	buf, e, shared, to := new(bytes.Buffer), envelope(), run(), jane(t)
	allocations := testing.AllocsPerRun(100, func() {
		buf.Reset()
		if _, err := content.Write(buf, e, shared, to); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 10 { // none, but when the garbage collector or the race detector empties the pool
		t.Errorf("%.0f allocations a message", allocations)
	}
}
