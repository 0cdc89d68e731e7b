package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sunsetwatch/cmd/internal/timeline/story"
	"sunsetwatch/deploy/components"
)

// overflowing are the elements that stick out of the viewport, and text that sticks
// out of its cell.
const overflowing = `(() => {
	const out = [];
	const width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width) out.push("the page is " + document.documentElement.scrollWidth + " wide");
	for (const e of document.querySelectorAll("body *")) {
		const r = e.getBoundingClientRect();
		if (r.width > 0 && (r.right > width + 0.5 || r.left < -0.5))
			out.push(e.tagName + "." + (e.getAttribute("class") || "") + " " + r.left + " to " + r.right + ": " + e.textContent.slice(0, 40));
	}
	for (const e of document.querySelectorAll("td, th, dt, dd, p, li"))
		if (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
			out.push(e.tagName + " of " + e.clientWidth + " holds " + e.scrollWidth + ": " + e.textContent.slice(0, 40));
	return out.slice(0, 20);
})()`

// The page looks right to a browser: nothing sticks out, nothing is asked for,
// nothing is complained about, and no name is more than a name.
func TestPageInChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	browser := components.Chromium(t)
	for _, o := range []story.Options{{Days: true, Life: true}, {}} {
		path := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(path, written(t, told(t, o)), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, v := range []components.View{{Width: 1280, Height: 900}, {Width: 390, Height: 844}, {Width: 1280, Height: 900, Dark: true}, {Width: 688, Height: 900, Paper: true}} {
			p := browser.Open("file://"+path, v)
			if said := p.Said(); len(said) > 0 {
				t.Errorf("%+v: the console has %q", v, said)
			}
			if asked := slices.DeleteFunc(p.Requested(), func(url string) bool { return url == "file://"+path || url == "data:," }); len(asked) > 0 {
				t.Errorf("%+v: it asks for %q", v, asked)
			}
			var out []string
			if p.Evaluate(overflowing, &out); len(out) > 0 {
				t.Errorf("%+v: sticks out:\n%s", v, strings.Join(out, "\n"))
			}
			var seen struct {
				Title                 string
				Scripts, Images, Bold int
				Text                  string
			}
			p.Evaluate(`({title: document.title, scripts: document.scripts.length, images: document.images.length,
				bold: document.querySelectorAll("b, em, i:not([class])").length, text: document.body.textContent})`, &seen)
			if seen.Title != "sunsetwatch: what was found" || seen.Scripts+seen.Images+seen.Bold > 0 {
				t.Errorf("%+v: a name became markup: %+v", v, seen)
			}
			if !strings.Contains(seen.Text, story.Markup) {
				t.Errorf("%+v: the name is not shown as it is", v)
			}
			keep(t, fmt.Sprintf("report-%d-dark-%t-days-%t.png", v.Width, v.Dark, o.Days), p.Screenshot)
			if v.Paper {
				pdf := p.PDF()
				if !bytes.HasPrefix(pdf, []byte("%PDF")) || len(pdf) < 20_000 {
					t.Errorf("a print of %d bytes", len(pdf))
				}
				keep(t, fmt.Sprintf("report-days-%t.pdf", o.Days), func() []byte { return pdf })
			}
		}
	}
}

// keep puts a file where a person can look at it, if asked.
func keep(t *testing.T, name string, data func() []byte) {
	t.Helper()
	dir := os.Getenv("SUNSETWATCH_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), data(), 0o644); err != nil {
		t.Error(err)
	}
}
