package rules

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is what operators read about kinds.
const page = "kinds.md"

// reachable are the severities that findings of a kind can have, rising.
func reachable(k *Kind) []string {
	var all []string
	for _, s := range Severities() {
		for _, f := range anyFinding() {
			if k.Severity(&f) == s {
				all = append(all, s.String())
				break
			}
		}
	}
	return all
}

// The page has a row and a section for each kind, in their order, which say what
// the kind says of itself.
func TestKindsPage(t *testing.T) {
	text := read(t, page)
	var rows []string
	var headings []string
	kinds := Kinds()
	for i := range kinds {
		k := &kinds[i]
		rows = append(rows, "| [`"+k.Name+"`](#"+k.Name+") | "+strings.Join(reachable(k), ", ")+" | "+k.Summary+" |")
		headings = append(headings, "`"+k.Name+"`")
	}
	if table := strings.Join(rows, "\n"); !strings.Contains(text, "| kind | severity | fires on |\n|---|---|---|\n"+table+"\n\n") {
		t.Errorf("the table of %s is not\n%s", page, table)
	}
	sections := strings.Split(text, "\n## ")[1:]
	for i, heading := range append(headings, "The life of a finding") {
		if i >= len(sections) || !strings.HasPrefix(sections[i], heading+"\n\n") {
			t.Fatalf("section %d of %s is not %s: kinds stand in the order of Kinds, then their life", i+1, page, heading)
		}
	}
	for i := range kinds {
		t.Run(kinds[i].Name, func(t *testing.T) { section(t, &kinds[i], sections[i]) })
	}
}

// section holds that of a kind against it.
func section(t *testing.T, k *Kind, text string) {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	if want := strings.ToUpper(k.Summary[:1]) + k.Summary[1:] + "."; len(paragraphs) != 3 || paragraphs[1] != want {
		t.Fatalf("it is not a heading, %q, and a list", want)
	}
	var labels []string
	points := map[string]string{}
	for _, line := range strings.Split(paragraphs[2], "\n") {
		m := regexp.MustCompile(`^\* \*\*([A-Z][a-z ]+)\*\*: (\S.*)$`).FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a point of the list: %s", line)
		}
		labels = append(labels, m[1])
		points[m[1]] = m[2]
	}
	if want := []string{"Fires", "Does not fire", "Severity", "Counts", "Act", "Silence", "Scenarios"}; !slices.Equal(labels, want) {
		t.Fatalf("it has %q, want %q", labels, want)
	}
	severities := reachable(k)
	if !strings.HasPrefix(points["Severity"], k.Severity(&Finding{}).String()) {
		t.Errorf("the severity does not begin with that of a new finding: %s", points["Severity"])
	}
	for _, s := range Severities() {
		if strings.Contains(points["Severity"], s.String()) != slices.Contains(severities, s.String()) {
			t.Errorf("it can be %q, and the page says: %s", severities, points["Severity"])
		}
	}
	links := regexp.MustCompile(`\[([\w-]+)\]\((scenarios/[\w-]+\.txtar)\)`).FindAllStringSubmatch(points["Scenarios"], -1)
	if len(links) == 0 || strings.Count(points["Scenarios"], "](") != len(links) {
		t.Errorf("these are no links to scenarios: %s", points["Scenarios"])
	}
	expects := regexp.MustCompile(`\bkind: ` + k.Name + `\b`)
	for _, link := range links {
		if path.Base(link[2]) != link[1]+".txtar" {
			t.Errorf("%s is called %s", link[2], link[1])
		}
		if !expects.MatchString(read(t, link[2])) {
			t.Errorf("%s expects no such finding", link[2])
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
