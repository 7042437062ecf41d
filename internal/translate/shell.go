package translate

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// shellCommand is one command of a shell line with its words, as the shell would pass them.
type shellCommand struct {
	words []string
	// input is the text of a here-document or here-string, or nil.
	input *string
	// expanded are the parts of words that a shell would replace, such as $NAME, except in
	// credentials.
	expanded []string
	// background is true if an unquoted & ends the command, as the & in an unquoted URL does.
	background bool
}

// errShell is the error for a text that is not a valid shell line. It contains nothing of the text,
// which may contain a key.
var errShell = errors.New("the shell line cannot be read")

// maxLine is the maximum length of a shell line in bytes. The parser recurses for nested brackets,
// and a longer line could overflow the stack and end the process. maxName is the maximum length of
// a word that is compared with the name of a program.
const (
	maxLine = 256 << 10
	maxName = 1000
)

// findCommand returns the only call of the program in a shell line, parsed like bash, at any place:
// after assignments, before a pipe, or within $(…). It removes quotes and resolves escapes. It runs
// nothing and expands nothing: $NAME, $(…) and patterns are kept as written.
func findCommand(line, program string) (*shellCommand, error) {
	if len(line) > maxLine {
		return nil, errors.New("the shell line is longer than 256 KiB: give the body of the request alone")
	}
	line = strings.ReplaceAll(line, "\r\n", "\n")
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		return nil, unreadable(err)
	}
	s := source(line)
	var found []*shellCommand
	syntax.Walk(file, func(node syntax.Node) bool {
		stmt, ok := node.(*syntax.Stmt)
		if !ok {
			return true
		}
		call, ok := stmt.Cmd.(*syntax.CallExpr)
		if !ok {
			return true
		}
		at := s.call(call.Args, program)
		if at < 0 {
			return true
		}
		c := &shellCommand{background: stmt.Background, input: s.input(stmt.Redirs)}
		for _, word := range call.Args[at+1:] {
			c.words = append(c.words, s.word(word))
			c.expanded = append(c.expanded, s.expansions(word)...)
		}
		for _, r := range stmt.Redirs {
			if r.Hdoc != nil {
				c.expanded = append(c.expanded, s.expansions(r.Hdoc)...)
			}
		}
		found = append(found, c)
		return true
	})
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("there is no %s command in it", program)
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("there are %d %s commands in it: translate one at a time", len(found), program)
	}
}

func unreadable(err error) error {
	if syntax.IsIncomplete(err) {
		return fmt.Errorf("%w: a quote, a bracket or the last line is not complete", errShell)
	}
	var fault syntax.ParseError
	if errors.As(err, &fault) {
		return fmt.Errorf("%w, at line %d, column %d", errShell, fault.Pos.Line(), fault.Pos.Col())
	}
	return errShell
}

// source is the text of a shell line. Parts that are not expanded are copied from it unchanged.
type source string

func (s source) text(node syntax.Node) string {
	end := min(int(node.End().Offset()), len(s))
	return string(s[min(int(node.Pos().Offset()), end):end])
}

// runners are programs that run another program given among their words.
var runners = []string{
	"command",
	"docker",
	"doas",
	"env",
	"exec",
	"kubectl",
	"nice",
	"nohup",
	"podman",
	"sudo",
	"time",
	"timeout",
	"xargs",
}

// call returns the index of the program among the words of a call: the first word, or a word after
// one of the runners. It returns -1 if the program is not called.
func (s source) call(words []*syntax.Word, program string) int {
	if len(words) == 0 {
		return -1
	}
	if s.names(words[0], program) {
		return 0
	}
	if !slices.ContainsFunc(runners, func(runner string) bool { return s.names(words[0], runner) }) {
		return -1
	}
	return slices.IndexFunc(words, func(word *syntax.Word) bool { return s.names(word, program) })
}

// credential matches a word that contains a key or a session.
var credential = regexp.MustCompile(`(?i)^"?\{?"?(admin)?apikey|^"?sessionid|authorization`)

// simple matches the name of a variable that may be repeated in a note. Other expansions may
// contain anything.
var simple = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,39}$`)

// expansions returns what a shell would replace in a word.
func (s source) expansions(word *syntax.Word) []string {
	if credential.MatchString(s.word(word)) {
		return nil
	}
	var found []string
	syntax.Walk(word, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.ParamExp:
			name := "${…}"
			if node.Param != nil && simple.MatchString(node.Param.Value) && node.Exp == nil {
				name = "$" + node.Param.Value
			}
			found = append(found, name)
		case *syntax.CmdSubst:
			found = append(found, "$(…)")
		case *syntax.ArithmExp:
			found = append(found, "$((…))")
		default:
			return true
		}
		return false
	})
	return found
}

// names reports whether a word is the name of a program, with or without a path.
func (s source) names(word *syntax.Word, program string) bool {
	return word.End().Offset()-word.Pos().Offset() <= maxName &&
		strings.TrimSuffix(path.Base(s.word(word)), ".exe") == program
}

// word returns a word without its quotes.
func (s source) word(word *syntax.Word) string { return s.parts(word.Parts, anyEscaped) }

// parts joins the parts of a word. literal resolves the escapes of the unquoted parts.
func (s source) parts(parts []syntax.WordPart, literal func(string) string) string {
	var out strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			out.WriteString(literal(part.Value))
		case *syntax.SglQuoted:
			out.WriteString(singleQuoted(part))
		case *syntax.DblQuoted:
			out.WriteString(s.parts(part.Parts, fewEscaped("$`\"\\")))
		default:
			out.WriteString(s.text(part))
		}
	}
	return out.String()
}

// singleQuoted returns the text of '…' or of $'…', which ends at a zero byte.
func singleQuoted(q *syntax.SglQuoted) string {
	if !q.Dollar {
		return q.Value
	}
	text, _, err := expand.Format(nil, q.Value, nil) // without arguments it only resolves escapes
	if err != nil {
		return q.Value
	}
	text, _, _ = strings.Cut(text, "\x00")
	return text
}

// anyEscaped resolves the escapes of unquoted text: a backslash makes any next character literal.
func anyEscaped(text string) string { return unescape(text, func(byte) bool { return true }) }

// fewEscaped returns a function that resolves the escapes of text in double quotes, where a
// backslash has an effect only before the special characters.
func fewEscaped(special string) func(string) string {
	return func(text string) string {
		return unescape(text, func(c byte) bool { return strings.IndexByte(special, c) >= 0 })
	}
}

func unescape(text string, counts func(byte) bool) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		i++
		switch {
		case text[i] == '\n': // line continuation
		case counts(text[i]):
			out = append(out, text[i])
		default:
			out = append(out, '\\', text[i])
		}
	}
	return string(out)
}

// input returns the content of the last redirection of standard input from a here-document or
// here-string, or nil.
func (s source) input(redirections []*syntax.Redirect) *string {
	for _, r := range slices.Backward(redirections) {
		if r.N != nil {
			continue
		}
		var text string
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			text = s.document(r)
		case syntax.WordHdoc:
			text = s.word(r.Word) + "\n"
		default:
			continue
		}
		return &text
	}
	return nil
}

// document returns the text of a here-document. If its delimiter is quoted, backslashes in it have
// no special meaning.
func (s source) document(r *syntax.Redirect) string {
	if r.Hdoc == nil {
		return ""
	}
	literal := fewEscaped("$`\\")
	if strings.ContainsAny(s.text(r.Word), `'"\`) {
		literal = func(text string) string { return text }
	}
	text := s.parts(r.Hdoc.Parts, literal)
	if r.Op == syntax.DashHdoc {
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines {
			lines[i] = strings.TrimLeft(line, "\t")
		}
		text = strings.Join(lines, "")
	}
	return text
}
