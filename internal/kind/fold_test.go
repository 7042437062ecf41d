package kind_test

import (
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"campaignql/internal/kind"
)

func TestFoldIsThatOfUnicodeForEveryByte(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for _, text := range []string{string(rune(c)), "A" + string(rune(c)) + "z", string([]byte{'A', byte(c)})} {
			if got, want := kind.FoldPart(
				text,
			), norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text))); got != want {
				t.Errorf("%q is folded to %q, want %q", text, got, want)
			}
		}
	}
}
