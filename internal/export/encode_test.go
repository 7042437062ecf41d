package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written returns a file with these rows.
func written(t *testing.T, format Format, columns []string, rows ...[]any) string {
	t.Helper()
	var into bytes.Buffer
	out := bufio.NewWriter(&into)
	e := newEncoder(format, out, columns)
	for _, step := range []func() error{e.begin, func() error {
		for _, row := range rows {
			if err := e.row(row); err != nil {
				return err
			}
		}
		return nil
	}, e.end, e.settle, out.Flush} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return into.String()
}

func TestTextsThatCouldBeFormulasAreMadeHarmless(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+49 30": "'+49 30", "-2": "'-2", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "a=b": "a=b", "'": "'", "": "", " =1": " =1", "ä": "ä", `a"b`: `a"b`, "a\nb": "a\nb",
		"＝1+1": "'＝1+1", "＋1": "'＋1", "－1": "'－1", "＠SUM(A1)": "'＠SUM(A1)", "価格＝1": "価格＝1",
		"x;=1+1": "x;'=1+1", ";;=1": ";;'=1", "x; =1": "x; =1", "x;y=1": "x;y=1", "x;＝1": "x;'＝1", "=1;=2": "'=1;'=2", `x;"=1"`: `x;'"=1"`, `""=1`: `'""=1`, `"x=1`: `"x=1`,
		"x\n=1": "x\n'=1", "x\t=1": "x\t'=1", "\t\t=1": "'\t'\t'=1", "x,=1": "x,=1", "'=1": "'=1", "https://example.org/?a=1,-2;b=3": "https://example.org/?a=1,-2;b=3",
	} {
		file := written(t, CSV, []string{"a", "b"}, []any{text, int64(1)})
		rows, err := csv.NewReader(bytes.NewBufferString(file)).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][0] != want {
			t.Errorf("%q is written %q, read %q, %v", text, file, rows, err)
		}
		var objects []struct{ A string }
		err = json.Unmarshal([]byte(written(t, JSON, []string{"a"}, []any{text})), &objects)
		if err != nil || objects[0].A != text {
			t.Errorf("%q is read from JSON as %v, %v", text, objects, err)
		}
	}
}

func TestNumbersAndInstantsAreWrittenAsTheyAre(t *testing.T) {
	t.Parallel()
	columns := []string{"n", "c", "b", "t", "w", "x"}
	row := []any{
		int64(-5), cents(100_005), true, time.Date(2026, 3, 1, 12, 0, 0, 1000, time.FixedZone("", 3600)), word("SENT"),
		nil,
	}
	if diff := cmp.Diff(
		"n,c,b,t,w,x\r\n-5,1000.05,true,2026-03-01T11:00:00.000001Z,SENT,\r\n", written(t, CSV, columns, row),
	); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	want := "[\n" + `{"n":-5,"c":1000.05,"b":true,"t":"2026-03-01T11:00:00.000001Z","w":"SENT","x":null}` + "\n]\n"
	if diff := cmp.Diff(want, written(t, JSON, columns, row)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if got := written(t, JSON, columns); got != "[\n]\n" {
		t.Errorf("a file without rows: %q", got)
	}
}
