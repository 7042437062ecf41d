package graph

import (
	"strconv"
	"strings"

	"campaignql/internal/apperr"
)

// places says where in a typed input the parts of rules in the legacy syntax stand. The domain knows only the
// legacy syntax and begins the message of a fault with a path of it.
type places struct {
	// base is the path of the rules in the input.
	base string
	// known maps paths of the legacy syntax to paths below base.
	known map[string]string
	// faults are those of the input that rules in the legacy syntax cannot have.
	faults apperr.Faults
}

// placesBelow returns places that know the names of the parts that are called the same in both forms.
func placesBelow(base string, same ...string) places {
	p := places{base: base, known: map[string]string{}}
	for _, name := range same {
		p.known[name] = name
	}
	return p
}

// put notes where a part stands, and how the keys of the legacy syntax in it are called. names are pairs of a key and
// the name in the input.
func (p *places) put(legacy, at string, names ...string) {
	p.known[legacy] = at
	for i := 0; i < len(names); i += 2 {
		p.known[legacy+"."+names[i]] = at + "." + names[i+1]
	}
}

func (p *places) fault(at, format string, args ...any) {
	p.faults.Add(apperr.InvalidField(p.base+"."+at, apperr.ReasonAudienceInvalid, format, args...))
}

// moved gives faults of the domain the place in the input as their field, in place of the path at the beginning of
// their message. Other faults stay as they are.
func (p *places) moved(err error) error {
	faults := apperr.All(err)
	if len(faults) == 0 {
		return err
	}
	var out apperr.Faults
	for _, fault := range faults {
		out.Add(p.movedFault(fault))
	}
	return out.Err()
}

func (p *places) movedFault(fault *apperr.Error) *apperr.Error {
	path, message, found := strings.Cut(fault.Message, ": ")
	if !found || fault.Field != p.base && fault.Field != strings.TrimSuffix(p.base, ".rules") {
		return fault
	}
	moved := *fault
	if path == "$" {
		moved.Field, moved.Message = p.base, message
		return &moved
	}
	for known := path; known != ""; known = known[:max(0, strings.LastIndexAny(known, ".["))] {
		if at, ok := p.known[known]; ok {
			moved.Field, moved.Message = p.base+"."+at, message
			return &moved
		}
	}
	return fault
}

// element returns the path of an element of a list.
func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
