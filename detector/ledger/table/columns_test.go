package table

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sunsetwatch/deploy/components"
	"sunsetwatch/rules/access"
)

func columnsPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("columns.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// described are the columns of a node, as the page writes them.
func described(parent string, node parquet.Node) (all []string) {
	for _, f := range node.Fields() {
		name, kind, null := parent+f.Name(), "", ""
		if f.Optional() {
			null = ", null"
		}
		words := func(n parquet.Node) string {
			switch s := n.Type().String(); {
			case strings.HasPrefix(s, "TIMESTAMP(isAdjustedToUTC=true,unit=NANOS"):
				return "time"
			default:
				known := map[string]string{"STRING": "string", "BOOLEAN": "boolean", "INT64": "int64", "INT32": "int32", "INT(64,true)": "int64", "INT(32,true)": "int32",
					"INT(64,false)": "uint64", "INT(32,false)": "uint32", "BYTE_ARRAY": "binary"}[s]
				if known == "" {
					return "unknown " + s
				}
				return known
			}
		}
		if l := f.Type().LogicalType(); l != nil && fmt.Sprint(f.Type()) == "LIST" {
			element := f.Fields()[0].Fields()[0]
			if element.Leaf() {
				kind = "list of " + words(element)
			} else {
				all = append(all, fmt.Sprintf("| `%s` | list of struct%s |", name, null))
				all = append(all, described(name+".", element)...)
				continue
			}
		} else {
			kind = words(f)
		}
		all = append(all, fmt.Sprintf("| `%s` | %s%s |", name, kind, null))
	}
	return all
}

// The page describes each column of the file, in their order.
func TestColumnsPage(t *testing.T) {
	want := described("", newSchema())
	page := columnsPage(t)
	section := page[strings.Index(page, "## Columns"):strings.Index(page, "## Metadata")]
	var got []string
	for _, line := range regexp.MustCompile("(?m)^(\\| `[a-z_.]+` \\| [a-z0-9, ]+ \\|) .{3,} \\|$").FindAllStringSubmatch(section, -1) {
		got = append(got, line[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("columns.md has\n%s\nthe file has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, key := range []string{keyFormat, keySubjects, keyTool, keyEarliest, keyLatest, keySources, keyChecksum} {
		if !strings.Contains(page, "\n| `"+key+"` |") {
			t.Errorf("columns.md does not describe %s", key)
		}
	}
}

// The query of the page, in DuckDB, counts what is counted here.
func TestDuckDB(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	sunset := ledgerTime("2015-07-01T00:00:00Z")
	events := randomEvents(r, 4000, 300*access.OneDay)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), written(t, counted(t, events, cuts{sunset, sunset + 40*access.OneDay + access.Hour}, 0, 1, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Principal, Feature  string
		Events, Days        int
		People              *int
		First, Last         string
		days, people        map[string]bool
		firstTime, lastTime access.Instant
	}
	pairs := map[string]*row{}
	for i := range events {
		e := &events[i]
		if e.Time < sunset || e.Outcome != access.Served || e.Probe != access.NoProbe {
			continue
		}
		key := string(e.Principal) + " " + string(e.Feature)
		p := pairs[key]
		if p == nil {
			p = &row{Principal: string(e.Principal), Feature: string(e.Feature), days: map[string]bool{}, people: map[string]bool{}, firstTime: access.End, lastTime: access.Beginning}
			pairs[key] = p
		}
		p.Events++
		p.days[e.Time.String()[:10]] = true
		if len(e.Subject) > 0 {
			p.people[string(e.Subject)] = true
		}
		p.firstTime, p.lastTime = min(p.firstTime, e.Time), max(p.lastTime, e.Time)
	}
	query := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(columnsPage(t))[1]
	answer := strings.Split(strings.TrimSpace(components.DuckDB(t, dir, query)), "\n")
	if len(answer) != len(pairs) {
		t.Fatalf("%d rows, want %d:\n%s", len(answer), len(pairs), strings.Join(answer, "\n"))
	}
	for _, line := range answer {
		var got row
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		want := pairs[got.Principal+" "+got.Feature]
		if want == nil || got.Events != want.Events || got.Days != len(want.days) || got.People == nil || *got.People != len(want.people) {
			t.Errorf("got %s, want %+v", line, want)
			continue
		}
		// Python's times have microseconds.
		if !sameTime(got.First, want.firstTime) || !sameTime(got.Last, want.lastTime) {
			t.Errorf("got %s, want from %s to %s", line, want.firstTime, want.lastTime)
		}
	}
}

func sameTime(got string, want access.Instant) bool {
	return strings.HasPrefix(strings.Replace(want.String(), "T", " ", 1), got[:26])
}
