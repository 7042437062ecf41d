package app_test

import (
	"go/ast"
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"campaignql/ent"
	"campaignql/internal/testkit"
)

// owned describes which package writes a table. Some columns of a table may have another owner. If
// purged is set, package purge also deletes rows of the table, for deleted objects.
type owned struct {
	by      string
	columns map[string]string // the owner of each column that is not owned by by
	purged  bool
}

// owners maps the Ent names of the tables to their owners. The store's own tables for migrations
// are not listed.
var owners = map[string]owned{
	"User":              {by: "account"},
	"APIKey":            {by: "account"},
	"Session":           {by: "account"},
	"LoginAttempt":      {by: "account"},
	"IdempotencyKey":    {by: "idempotency"},
	"Campaign":          {by: "campaign", columns: counters()},
	"CampaignChange":    {by: "campaign"},
	"CampaignList":      {by: "campaign"},
	"CampaignEmail":     {by: "campaign"},
	"Tag":               {by: "tag"},
	"CampaignTag":       {by: "tag"},
	"Email":             {by: "content"},
	"SubscriberList":    {by: "people/list"},
	"Contact":           {by: "people/contact"},
	"Subscriber":        {by: "people/subscriber", columns: map[string]string{"Bounce": "people/contact"}, purged: true},
	"FormerContact":     {by: "people/contact"},
	"MergedSubscriber":  {by: "people/subscriber", purged: true},
	"FieldValue":        {by: "people/subscriber", purged: true},
	"CustomField":       {by: "people/field"},
	"SubscriberTag":     {by: "people/label"},
	"SubscriberTagging": {by: "people/label", purged: true},
	"Segment":           {by: "people/segment"},
	"Suppression":       {by: "people/suppression"},
	"ForgottenAddress":  {by: "people/suppression"},
	"Event":             {by: "event", purged: true},
	"HourlyCounter":     {by: "event", purged: true},
	"ConversionAmount":  {by: "event", purged: true},
	"LinkCounter":       {by: "event", purged: true},
	"DomainCounter":     {by: "event", purged: true},
	"CampaignRun":       {by: "sending", purged: true},
	"RunContent":        {by: "sending", purged: true},
	"RunBatch":          {by: "sending", purged: true},
	"RunRecipient":      {by: "sending", purged: true},
	"PendingRecount":    {by: "event"},
	"MigrationFinding":  {by: "event"},
	"Purge":             {by: "purge"},
	"AudiencePurge":     {by: "purge"},
	varying:             {by: "event"},
}

// counters returns the counter columns of campaigns.
func counters() map[string]string {
	columns := map[string]string{}
	for _, name := range strings.Fields(`TotalSent TotalFailed TotalDelivered TotalOpens UniqueOpens TotalClicks UniqueClicks
		TotalForwards UniqueForwards TotalBrowserViews UniqueBrowserViews TotalUnsubscriptions TotalHardBounces
		TotalSoftBounces TotalComplaints TotalConversions ConversionAmount AutomatedOpens
		AutomatedClicks Recounts`) {
		columns[name] = "event"
	}
	return columns
}

// counter matches the columns of campaigns that count events, and TotalRecipients, which counts
// none.
var counter = regexp.MustCompile(`^(Total\w+|Unique\w+|Automated\w+|ConversionAmount|Recounts)$`)

// TestCountersAreTheColumnsOfCampaignsThatCountEvents compares the list with Ent's struct, so that
// it neither lacks a new counter nor keeps one that is gone.
func TestCountersAreTheColumnsOfCampaignsThatCountEvents(t *testing.T) {
	t.Parallel()
	listed, campaign := counters(), reflect.TypeFor[ent.Campaign]()
	for name := range listed {
		if _, ok := campaign.FieldByName(name); !ok {
			t.Errorf("counters lists %s, which campaigns do not have", name)
		}
	}
	for field := range campaign.Fields() {
		if name := field.Name; name != "TotalRecipients" && counter.MatchString(name) && listed[name] == "" {
			t.Errorf("counters lacks %s", name)
		}
	}
}

// writer matches the generated Ent types that write a table: the builders, and the clients that
// create them.
var writer = regexp.MustCompile(`^([A-Z]\w*?)(Create|CreateBulk|Update|UpdateOne|Delete|DeleteOne|Upsert|UpsertBulk|UpsertOne|Client)$`)

// setter matches the builder methods that write a column.
var setter = regexp.MustCompile(`^(?:SetNillable|Set|Add|Clear|Append)([A-Z]\w*)$`)

// TestEachTableIsWrittenByItsOwner finds every use of generated write code and every handwritten
// write statement in all packages of the server. It ignores demo data, benchmarks and tests, which
// write to their own databases.
func TestEachTableIsWrittenByItsOwner(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	exports := map[string]string{}
	var packages []listed
	for _, p := range list(
		t, "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles", "./cmd/...", "./graph/...", "./internal/...",
	) {
		exports[p.ImportPath] = p.Export
		if path, own := strings.CutPrefix(p.ImportPath, "campaignql/"); own && writesForUsers(path, room(p)) {
			packages = append(packages, p)
		}
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	written := map[string]bool{}
	for _, p := range packages {
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
		files := p.files(t, fset)
		if _, err := (&types.Config{Importer: compiled}).Check(p.ImportPath, fset, files, info); err != nil {
			t.Fatal(err)
		}
		domain := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "campaignql/"), "internal/")
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				for _, w := range writes(info, n) {
					if domain == "store" && w.table == varying {
						continue // the methods of Raw call each other
					}
					written[w.table] = true
					if owner := w.owner(); owner != domain && !(domain == "purge" && w.removes && owners[w.table].purged) {
						t.Errorf("%s: package %s writes %s, which is %s's", fset.Position(n.Pos()), domain, w, owner)
					}
				}
				return true
			})
		}
	}
	for table := range owners {
		if !written[table] {
			t.Errorf("nobody writes %s: the test has lost sight of it", table)
		}
	}
}

func writesForUsers(path, room string) bool {
	return !slices.Contains([]string{"ent", "schema", "demo", "tool", "testkit"}, room)
}

// write is one use of code that writes a table.
type write struct {
	table, column string
	removes       bool
}

func (w write) String() string { return strings.TrimSuffix(w.table+"."+w.column, ".") }

func (w write) owner() string {
	o := owners[w.table]
	if by, own := o.columns[w.column]; own {
		return by
	}
	return o.by
}

// writes returns the writes of a syntax node.
func writes(info *types.Info, n ast.Node) []write {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		return entWrites(info, n)
	case *ast.CallExpr:
		return rawWrites(info, n)
	}
	return nil
}

// entWrites returns the writes of an Ent method. If the columns of a table have several owners, an
// update or a creation counts only by the columns that it sets.
func entWrites(info *types.Info, n *ast.SelectorExpr) []write {
	selection := info.Selections[n]
	if selection == nil {
		return nil
	}
	receiver := selection.Recv()
	if pointer, ok := receiver.(*types.Pointer); ok {
		receiver = pointer.Elem()
	}
	named, ok := receiver.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != "campaignql/ent" {
		return nil
	}
	match := writer.FindStringSubmatch(named.Obj().Name())
	if match == nil {
		return nil
	}
	table, method := match[1], n.Sel.Name
	several := owners[table].columns != nil
	if match[2] == "Client" {
		switch {
		case strings.HasPrefix(method, "Delete"):
			return []write{{table: table, removes: true}}
		case strings.HasPrefix(method, "Create"), strings.HasPrefix(method, "MapCreate"):
			return []write{{table: table}}
		case strings.HasPrefix(method, "Update") && !several:
			return []write{{table: table}}
		}
		return nil
	}
	if column := setter.FindStringSubmatch(method); column != nil {
		return []write{{table: table, column: column[1]}}
	}
	return nil
}

// varying is the name of a table that is not constant, so that only running the code could
// determine it. The counters of package event are written with one.
const varying = "a table that is no constant"

// rawWrites returns the writes of a call to a store function that runs a handwritten statement.
func rawWrites(info *types.Info, n *ast.CallExpr) []write {
	method, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) < 2 || info.Selections[method] == nil {
		return nil
	}
	signature, ok := info.Selections[method].Obj().Type().(*types.Signature)
	if !ok || signature.Recv() == nil {
		return nil
	}
	switch receiver := types.TypeString(signature.Recv().Type(), nil); {
	case receiver == "campaignql/internal/store.Raw" && method.Sel.Name == "Exec",
		strings.HasPrefix(receiver, "*campaignql/ent.") && method.Sel.Name == "ExecContext":
		return []write{{table: varying}}
	case receiver != "campaignql/internal/store.Raw",
		!slices.Contains([]string{"Insert", "InsertAll", "Copy", "Upsert", "Change", "ChangePart", "Add"}, method.Sel.Name):
		return nil
	}
	value := info.Types[n.Args[1]].Value
	if value == nil || value.Kind() != constant.String {
		return []write{{table: varying}}
	}
	return []write{{table: entityOf(constant.StringVal(value))}}
}

// entityOf returns the Ent name of a table.
func entityOf(table string) string {
	for entity := range owners {
		if strings.EqualFold(entity+"s", strings.ReplaceAll(table, "_", "")) {
			return entity
		}
	}
	return table
}
