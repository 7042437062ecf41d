package address

import (
	"strings"

	"golang.org/x/net/idna"

	"campaignql/internal/kind"
)

// profile converts domains to A-labels by UTS 46, non-transitional, with the rules of IDNA 2008 for
// joiners and for writing from right to left. Lengths and hyphens are checked by checkHost, because
// UTS 46 also refuses hyphens in the third and fourth place, which real names have.
var profile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckHyphens(false))

// hostKey returns the Domain of a domain as given.
func hostKey(domain string) (string, error) {
	if domain[0] == '[' {
		return "", ErrLiteral
	}
	if IsASCII(domain) {
		if err := checkHost(domain); err != nil {
			return "", err
		}
		domain = strings.ToLower(domain)
		if !strings.HasPrefix(domain, "xn--") && !strings.Contains(domain, ".xn--") {
			return domain, nil
		}
	}
	converted, err := toASCII(domain)
	if err != nil {
		return "", refused(
			"has the domain %q, which is not valid by IDNA 2008: %s", domain, strings.TrimPrefix(err.Error(), "idna: "),
		)
	}
	// An A-label hides the hyphens of its letters.
	shown, err := profile.ToUnicode(converted)
	if err != nil {
		return "", refused("has the domain %q, which is not valid by IDNA 2008", domain)
	}
	for label := range strings.SplitSeq(shown, ".") {
		if err := checkHyphens(label); err != nil {
			return "", err
		}
	}
	return converted, checkHost(converted)
}

func checkHyphens(label string) error {
	if strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
		return refused("has the label %q in the domain, which begins or ends with a hyphen", kind.Cut(label, maxLabel))
	}
	return nil
}

// toASCII converts a domain or some labels of one to lower case and A-labels.
func toASCII(domain string) (string, error) {
	// Unicode maps the capital sharp s to "ss" up to version 15, and since then to "ß", its lower case.
	return profile.ToASCII(strings.ReplaceAll(domain, "ẞ", "ß"))
}

// checkHost checks the labels of a domain in ASCII. Underscores are accepted: DNS has names with
// them, and mail systems deliver to them.
func checkHost(domain string) error {
	start := 0
	for i := 0; i <= len(domain); i++ {
		if i < len(domain) && domain[i] != '.' {
			if classes[domain[i]]&host == 0 {
				return refused("holds %q (%U) in the domain", domain[i], domain[i])
			}
			continue
		}
		label := domain[start:i]
		if err := checkHyphens(label); err != nil {
			return err
		}
		switch {
		case label == "":
			return refused("has a dot at an end of the domain, or two in a row")
		case len(label) > maxLabel:
			return refused("has a label of %d bytes in the domain, at most %d are allowed", len(label), maxLabel)
		}
		start = i + 1
	}
	return nil
}
