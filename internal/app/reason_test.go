package app_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/command"
	"campaignql/internal/testkit"
)

const (
	apperrPath  = "campaignql/internal/apperr"
	commandPath = "campaignql/internal/command"
)

// callerFaults are the codes for which commands have legacy codes: a fault of the input, or of an
// object that the input names.
var callerFaults = []apperr.Code{apperr.Invalid, apperr.NotFound, apperr.Conflict, apperr.Precondition}

// registered returns the registered reasons by their text.
func registered() map[apperr.Reason]apperr.Registered {
	known := map[apperr.Reason]apperr.Registered{}
	for _, r := range apperr.Reasons() {
		known[r.Reason] = r
	}
	return known
}

func TestEveryReasonIsRegisteredOnce(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	seen := map[apperr.Reason]bool{}
	for _, r := range apperr.Reasons() {
		if seen[r.Reason] {
			t.Errorf("%s is registered twice", r.Reason)
		}
		seen[r.Reason] = true
		if r.Meaning == "" || len(r.Codes) == 0 {
			t.Errorf("%s lacks its meaning or its codes", r.Reason)
		}
	}
	p := analyze(t)
	for name, object := range p.constants {
		if reason := apperr.Reason(constant.StringVal(object.Val())); !seen[reason] {
			t.Errorf("%s (%q) is declared and not registered", name, reason)
		}
	}
	if len(p.constants) != len(seen) {
		t.Errorf("%d reasons are declared, %d registered", len(p.constants), len(seen))
	}
}

// TestReasonsAreNamedByTheirConstants finds reasons that are written as literals, and errors with a
// code of callerFaults but without a reason.
func TestReasonsAreNamedByTheirConstants(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	p := analyze(t)
	slices.Sort(p.problems)
	for _, problem := range slices.Compact(p.problems) {
		t.Error(problem)
	}
	if len(p.functions) < 1000 {
		t.Errorf("only %d functions were read: the test has lost sight of the product", len(p.functions))
	}
}

// noCommand maps the reasons that no command can return, although its code names them, to the
// explanation.
var noCommand = map[apperr.Reason]string{
	apperr.ReasonTooManyChanges:               "the bridge answers a lost race alike for every command",
	apperr.ReasonParameterMissing:             "each parameter has a row of its own",
	apperr.ReasonStaleVersion:                 "no command takes a version",
	apperr.ReasonIdempotencyKeyLength:         "no command takes an idempotency key",
	apperr.ReasonIdempotencyKeyReused:         "no command takes an idempotency key",
	apperr.ReasonCursorInvalid:                "commands page by offset",
	apperr.ReasonCursorOfAnotherOrder:         "commands page by offset",
	apperr.ReasonPageBothEnds:                 "commands page by offset",
	apperr.ReasonPageOffset:                   "an offset that is negative is not read",
	apperr.ReasonPageOffsetWithCursor:         "commands page by offset",
	apperr.ReasonPageSize:                     "lists are read in portions of the server's own size",
	apperr.ReasonScheduleUpcomingCountInvalid: "no command lists instants",
	apperr.ReasonTimeZoneInvalid:              "schedules answer it as schedule_zone_required, stored zones are valid",
	apperr.ReasonAccountNotFound:              "rows that were read have an owner",
	apperr.ReasonAnswerTooLarge:               "lists are streamed, and one row is no answer that is too large",
}

// storedSchedule are the reasons of a schedule that was validated when it was stored.
var storedSchedule = []apperr.Reason{
	apperr.ReasonScheduleTypeInvalid, apperr.ReasonScheduleDateRequired, apperr.ReasonScheduleTimeRequired,
	apperr.ReasonScheduleDaysRequired, apperr.ReasonScheduleMonthsRequired, apperr.ReasonScheduleHoursRequired,
	apperr.ReasonScheduleMinutesRequired, apperr.ReasonScheduleZoneRequired,
}

// cannotHappen lists, for each command, the reasons that its code names but that it cannot return,
// by explanation.
var cannotHappen = map[string]map[string][]apperr.Reason{
	"Campaign.Create": {"only a repeated idempotency key reads the campaign": {apperr.ReasonCampaignNotFound}},
	"Campaign.Get":    {"a stored audience is valid": {apperr.ReasonAudienceInvalid}},
	"Campaigns.Get": {
		"a stored audience is valid":       {apperr.ReasonAudienceInvalid},
		"its filter has few parts":         {apperr.ReasonFilterTooDeep, apperr.ReasonFilterTooLarge},
		"a keyword too long finds nothing": {apperr.ReasonTextTooLong},
	},
	"Campaign.Copy": {
		"the campaign holds its email": {apperr.ReasonEmailNotFound},
		"the name was accepted before": {apperr.ReasonNameRequired, apperr.ReasonNameTooLong},
	},
	"Campaign.Approve": {
		"the schedule is a stored one": append(storedSchedule, apperr.ReasonScheduleMaxInstancesRequired),
		"it gives no explanation":      {apperr.ReasonTextTooLong},
	},
	"Campaign.Pause": {
		"the schedule is a stored one": storedSchedule, "it gives no reason": {apperr.ReasonTextTooLong},
	},
	"Campaign.Resume": {
		"the schedule is a stored one": storedSchedule, "it gives no reason": {apperr.ReasonTextTooLong},
	},
	"Campaign.Cancel": {
		"the schedule is a stored one": storedSchedule, "it gives no reason": {apperr.ReasonTextTooLong},
	},
	"Tag.Create":                {"only a repeated idempotency key reads the tag": {apperr.ReasonTagNotFound}},
	"Tag.AssignToCampaigns":     {"campaigns of others are left alone": {apperr.ReasonCampaignNotFound}},
	"Tag.UnassignFromCampaigns": {"campaigns of others are left alone": {apperr.ReasonCampaignNotFound}},
	"Email.Create": {
		"it takes no values": {
			apperr.ReasonEmailAddressInvalid, apperr.ReasonEmailContentRequired, apperr.ReasonEmailContentTooLarge,
			apperr.ReasonEmailHTMLUnsubscribeLink, apperr.ReasonEmailLineBreak, apperr.ReasonEmailModeUnknown,
			apperr.ReasonEmailPlainUnsubscribeLink, apperr.ReasonEmailScopeRequired, apperr.ReasonEmailScopeUnknown,
			apperr.ReasonEmailTextTooLong,
		},
		"only a repeated idempotency key reads the email": {apperr.ReasonEmailNotFound},
	},
	"Email.Delete":       {"it takes one id": {apperr.ReasonTooManyIDs}},
	"Email.EmailPreview": {onlyExports: {apperr.ReasonAudienceInvalid}},
	"List.Create":        {"only a repeated idempotency key reads the list": {apperr.ReasonListNotFound}},
	"Subscriber.Subscribe": {
		"unknown fields are passed over": {apperr.ReasonCustomFieldNotFound},
		"what is no address is not sent": {apperr.ReasonSubscriberIPInvalid},
	},
	"Subscriber.Unsubscribe": {"a campaign that is gone counts nowhere": {apperr.ReasonCampaignNotFound}},
}

// excepted returns the exceptions of a command.
func excepted(name string) []apperr.Reason {
	return slices.Concat(slices.Collect(maps.Values(cannotHappen[name]))...)
}

// TestEveryReasonThatACommandReachesHasARow follows the calls from the handler of each command,
// including all calls that are possible.
func TestEveryReasonThatACommandReachesHasARow(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	p, known := analyze(t), registered()
	commands := command.New(command.Services{}, command.Options{}).Commands()
	if len(p.handlers) != len(commands) {
		t.Errorf("%d commands are declared, the handlers of %d were found", len(commands), len(p.handlers))
	}
	for _, cmd := range commands {
		reached := p.reachedFrom(p.handlers[cmd.Name])
		exceptions := excepted(cmd.Name)
		for _, reason := range exceptions {
			if cmd.Answers(reason) || reached[reason] == "" {
				t.Errorf("%s: %s has a row or is not named any more: it is no exception", cmd.Name, reason)
			}
		}
		for _, reason := range slices.Sorted(maps.Keys(reached)) {
			ofCaller := slices.ContainsFunc(
				known[reason].Codes, func(c apperr.Code) bool { return slices.Contains(callerFaults, c) },
			)
			if ofCaller && !cmd.Answers(reason) && noCommand[reason] == "" && !slices.Contains(exceptions, reason) {
				t.Errorf("%s reaches %s and has no row for it: %s", cmd.Name, reason, reached[reason])
			}
		}
		for _, row := range cmd.Codes {
			for _, reason := range row.Reasons {
				if reached[reason] == "" {
					t.Errorf("%s has a row for %s, which nothing that it calls answers", cmd.Name, reason)
				}
			}
		}
	}
}

// source is the part of the product's source that the test needs. Functions, methods and package
// variables are identified by their full name in go/types, because each package is checked
// separately.
type source struct {
	functions map[string]*declared
	// methods maps a method name to the methods that a call through an interface may run, each with
	// the method set of its type.
	methods map[string][]method
	// fields maps the name of a struct field to the functions that it may hold.
	fields map[string]*declared
	// handlers maps the name of a command to the code that it runs.
	handlers  map[string]*declared
	constants map[string]*types.Const
	problems  []string
}

// method is a method of a type, declared or promoted.
type method struct {
	name string
	of   *types.MethodSet
}

// declared is what the code of a function or variable refers to.
type declared struct {
	uses    []string
	reasons map[apperr.Reason]string
}

// analyze reads every package of the product except generated ones, which create no errors.
func analyze(t *testing.T) *source {
	t.Helper()
	p := &source{
		functions: map[string]*declared{}, methods: map[string][]method{}, fields: map[string]*declared{},
		handlers:  map[string]*declared{},
		constants: map[string]*types.Const{},
	}
	exports := map[string]string{}
	var packages []listed
	for _, l := range list(t, "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles", "./internal/...", "./graph/...", "./cmd/...") {
		exports[l.ImportPath] = l.Export
		if strings.HasPrefix(l.ImportPath, "campaignql/internal/") ||
			strings.HasPrefix(l.ImportPath, "campaignql/graph") {
			packages = append(packages, l)
		}
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(
		fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) },
	)
	for _, l := range packages {
		if l.ImportPath == "campaignql/graph/exec" || l.Name == "main" {
			continue
		}
		info := &types.Info{
			Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
			Types: map[ast.Expr]types.TypeAndValue{},
		}
		files := l.files(t, fset)
		checked, err := (&types.Config{Importer: compiled}).Check(l.ImportPath, fset, files, info)
		if err != nil {
			t.Fatal(err)
		}
		r := &reader{source: p, fset: fset, info: info, path: l.ImportPath}
		for _, file := range files {
			r.file(file)
		}
		r.types(checked.Scope())
		if l.ImportPath == apperrPath {
			for _, name := range checked.Scope().Names() {
				if c, ok := checked.Scope().Lookup(name).(*types.Const); ok && isReason(c.Type()) {
					p.constants[name] = c
				}
			}
		}
	}
	return p
}

// reachedFrom returns the reasons that root may return, each with the position and call path.
func (p *source) reachedFrom(root *declared) map[apperr.Reason]string {
	reached, seen := map[apperr.Reason]string{}, map[string]bool{}
	if root == nil {
		return reached
	}
	type step struct{ name, path string }
	var queue []step
	visit := func(d *declared, path string) {
		for reason, at := range d.reasons {
			if reached[reason] == "" {
				reached[reason] = at + path
			}
		}
		for _, name := range d.uses {
			queue = append(queue, step{name, "\n\tfrom " + name + path})
		}
	}
	for visit(root, ""); len(queue) > 0; {
		next := queue[0]
		queue = queue[1:]
		if seen[next.name] {
			continue
		}
		seen[next.name] = true
		for _, d := range p.behind(next.name) {
			visit(d, next.path)
		}
	}
	return reached
}

// behind returns the code that a name may refer to: a function or variable, the implementations of
// an interface method, or the functions that a field may hold.
func (p *source) behind(name string) []*declared {
	if name, ok := strings.CutPrefix(name, "interface "); ok {
		name, others, _ := strings.Cut(name, " with ")
		var found []*declared
		for _, m := range p.methods[name] {
			if f := p.functions[m.name]; f != nil && hasAll(m.of, strings.Fields(others)) {
				found = append(found, f)
			}
		}
		return found
	}
	if name, ok := strings.CutPrefix(name, "field "); ok {
		if f := p.fields[name]; f != nil {
			return []*declared{f}
		}
		return nil
	}
	if f := p.functions[name]; f != nil {
		return []*declared{f}
	}
	return nil
}

// hasAll reports whether a type has methods with all the names.
func hasAll(methods *types.MethodSet, names []string) bool {
	have := map[string]bool{}
	for i := range methods.Len() {
		have[methods.At(i).Obj().Name()] = true
	}
	return !slices.ContainsFunc(names, func(name string) bool { return !have[name] })
}

// reader reads one package.
type reader struct {
	*source
	fset *token.FileSet
	info *types.Info
	path string
}

func (r *reader) file(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			object := r.info.Defs[d.Name].(*types.Func)
			r.functions[object.FullName()] = r.declaration(d)
			if r.path == commandPath {
				r.commands(d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				values, ok := spec.(*ast.ValueSpec)
				if !ok || d.Tok != token.VAR {
					continue
				}
				for _, name := range values.Names {
					r.functions[r.path+"."+name.Name] = r.declaration(values)
				}
			}
		}
	}
}

// types records the methods of the types of a package.
func (r *reader) types(scope *types.Scope) {
	for _, name := range scope.Names() {
		named, ok := scope.Lookup(name).(*types.TypeName)
		if !ok || types.IsInterface(named.Type()) {
			continue
		}
		set := types.NewMethodSet(types.NewPointer(named.Type()))
		for i := range set.Len() {
			if f, ok := set.At(i).Obj().(*types.Func); ok {
				r.methods[f.Name()] = append(r.methods[f.Name()], method{f.Origin().FullName(), set})
			}
		}
	}
}

// commands finds the declarations of commands: composite literals with a Name and a function to
// run.
func (r *reader) commands(in ast.Node) {
	ast.Inspect(in, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		name, run := "", ast.Expr(nil)
		for _, element := range literal.Elts {
			pair, ok := element.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			switch key, _ := pair.Key.(*ast.Ident); {
			case key != nil && key.Name == "Name" && r.info.Types[pair.Value].Value != nil:
				name = constant.StringVal(r.info.Types[pair.Value].Value)
			case key != nil && key.Name == "run":
				run = pair.Value
			}
		}
		if name != "" && run != nil {
			r.handlers[name] = r.declaration(run)
		}
		return true
	})
}

// declaration returns what a syntax node refers to. It ignores reasons that the code only compares,
// because the code does not return them.
func (r *reader) declaration(in ast.Node) *declared {
	d := &declared{reasons: map[apperr.Reason]string{}}
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				return !isReason(r.info.TypeOf(n.X))
			}
		case *ast.CaseClause:
			for _, statement := range n.Body { // a reason in a case is only compared
				r.declaration(statement).into(d)
			}
			for _, e := range n.List {
				if !isReason(r.info.TypeOf(e)) {
					r.declaration(e).into(d)
				}
			}
			return false
		case *ast.Ident:
			r.name(d, n)
		case *ast.BasicLit:
			if r.path != apperrPath && isReason(r.info.TypeOf(n)) && n.Value != `""` {
				r.problem(n, "%s is no constant of apperr", n.Value)
			}
		case *ast.CallExpr:
			r.call(d, n)
		case *ast.CompositeLit:
			r.fault(n)
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				r.field(key, n.Value)
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if selector, ok := left.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) {
					r.field(selector.Sel, n.Rhs[i])
				}
			}
		}
		return true
	})
	return d
}

// into adds the references of d to other.
func (d *declared) into(other *declared) {
	maps.Copy(other.reasons, d.reasons)
	other.uses = append(other.uses, d.uses...)
}

// field records a value that is assigned to a field of function type.
func (r *reader) field(key *ast.Ident, value ast.Expr) {
	v, ok := r.info.Uses[key].(*types.Var)
	if !ok || !v.IsField() {
		return
	}
	if _, ok := v.Type().Underlying().(*types.Signature); !ok {
		return
	}
	if r.fields[v.Name()] == nil {
		r.fields[v.Name()] = &declared{reasons: map[apperr.Reason]string{}}
	}
	r.declaration(value).into(r.fields[v.Name()])
}

func (r *reader) name(d *declared, ident *ast.Ident) {
	switch object := r.info.Uses[ident].(type) {
	case *types.Const:
		if isReason(object.Type()) {
			d.reasons[apperr.Reason(constant.StringVal(object.Val()))] = r.fset.Position(ident.Pos()).String()
		}
	case *types.Func:
		object = object.Origin()
		if receiver := object.Signature().Recv(); receiver != nil && types.IsInterface(receiver.Type()) {
			uses := "interface " + object.Name() + " with"
			of := receiver.Type().Underlying().(*types.Interface)
			for i := range of.NumMethods() {
				uses += " " + of.Method(i).Name()
			}
			d.uses = append(d.uses, uses)
			return
		}
		d.uses = append(d.uses, object.FullName())
	case *types.Var:
		if _, function := object.Type().Underlying().(*types.Signature); function && object.IsField() {
			d.uses = append(d.uses, "field "+object.Name())
		}
		if !object.IsField() && object.Pkg() != nil && object.Parent() == object.Pkg().Scope() {
			d.uses = append(d.uses, object.Pkg().Path()+"."+object.Name())
		}
	}
}

// call records the errors that a call creates: NotFoundf derives the reason from a kind, New and
// Wrap have no reason.
func (r *reader) call(d *declared, call *ast.CallExpr) {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || r.path == apperrPath {
		return
	}
	f, ok := r.info.Uses[selector.Sel].(*types.Func)
	if !ok || f.Pkg() == nil || f.Pkg().Path() != apperrPath {
		return
	}
	switch f.Name() {
	case "NotFoundf":
		value := r.info.Types[call.Args[0]].Value
		if value == nil {
			r.problem(call, "NotFoundf of what is no constant: the reason cannot be told")
			return
		}
		reason := apperr.Reason(constant.StringVal(value) + "_not_found")
		if _, known := registered()[reason]; !known {
			r.problem(call, "%s is not registered", reason)
		}
		d.reasons[reason] = r.fset.Position(call.Pos()).String()
	case "New", "Wrap":
		if value := r.info.Types[call.Args[0]].Value; value != nil {
			r.unreasoned(call, apperr.Code(constant.StringVal(value)))
		}
	}
}

// fault checks a literal of apperr.Error: it must have a reason if its code is one of callerFaults.
func (r *reader) fault(literal *ast.CompositeLit) {
	named, ok := types.Unalias(r.info.TypeOf(literal)).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != apperrPath || named.Obj().Name() != "Error" ||
		r.path == apperrPath {
		return
	}
	var code apperr.Code
	for _, element := range literal.Elts {
		pair := element.(*ast.KeyValueExpr)
		switch pair.Key.(*ast.Ident).Name {
		case "Reason":
			return
		case "Code":
			if value := r.info.Types[pair.Value].Value; value != nil {
				code = apperr.Code(constant.StringVal(value))
			}
		}
	}
	r.unreasoned(literal, code)
}

// withoutReason are the places that may create an error with a code of callerFaults but without a
// reason, because no command reaches them or the code says enough.
var withoutReason = []string{
	"internal/store/errors.go", // a missing row that no domain has explained
	"internal/demo/demo.go", "graph/scalar/scalar.go", "graph/ingest/",
}

func (r *reader) unreasoned(n ast.Node, code apperr.Code) {
	if !slices.Contains(callerFaults, code) {
		return
	}
	at := r.fset.Position(n.Pos()).String()
	if !slices.ContainsFunc(withoutReason, func(place string) bool { return strings.Contains(at, place) }) {
		r.problem(n, "a fault of the code %s has no reason", code)
	}
}

func (r *reader) problem(n ast.Node, format string, args ...any) {
	r.problems = append(r.problems, r.fset.Position(n.Pos()).String()+": "+fmt.Sprintf(format, args...))
}

// isReason reports whether a type is apperr.Reason.
func isReason(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Reason" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == apperrPath
}
