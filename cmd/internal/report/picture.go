package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"sunsetwatch/cmd/internal/timeline"
	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// The plot is drawn in units of its own and stretched to the width of the page.
const (
	plotWidth  = 1000
	plotHeight = 100
	mostBars   = 420
)

// picture is the timeline of a finding.
type picture struct {
	Label   string // for those who do not see it
	Bands   []bandView
	Layers  []layer
	Ticks   []tick
	Sunset  *mark
	Peak    string
	Unit    string // of a bar
	Notes   []string
	Legend  []legend
	HasBars bool
	Height  int
	Width   int
}

type bandView struct {
	Class string
	X, W  string
	Title string
}

// layer is the bars of one meaning, as one path.
type layer struct{ Class, Path string }

type tick struct {
	X     string // percent
	Label string
	Minor bool
}

type mark struct {
	X     string // percent
	Plot  string // in the units of the plot
	Label string
	Left  bool // the label stands left of the line
}

type legend struct{ Class, Label string }

// The classes of bars, from the bottom up.
const (
	lawful = iota // granted
	other         // wrong, and in another finding
	found         // of the finding
	classes
)

var classNames = [classes]string{"lawful", "other", "found"}

// column is a bar.
type column struct {
	from, until access.Instant
	n           [classes]uint64
}

func (c *column) sum() (n uint64) {
	for _, k := range c.n {
		n += k
	}
	return n
}

// unit is what a bar stands for.
type unit uint8

const (
	byDay unit = iota
	byWeek
	byMonth
)

var unitWords = [...]string{"day", "week", "month"}

// start is the beginning of the unit that holds t.
func (u unit) start(t access.Instant) access.Instant {
	day := t.Day()
	switch u {
	case byWeek:
		weekday := (int(day)%7 + 7 + 3) % 7 // 1970-01-01 was a Thursday; weeks begin on Mondays
		return (day - access.Day(weekday)).Start()
	case byMonth:
		at := t.Time()
		return access.At(time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC))
	}
	return day.Start()
}

// next is the beginning of the unit after the one that begins at t.
func (u unit) next(t access.Instant) access.Instant {
	switch u {
	case byWeek:
		return t + 7*access.OneDay
	case byMonth:
		return access.At(t.Time().AddDate(0, 1, 0))
	}
	return t + access.OneDay
}

// draw makes the picture of f.
func draw(tl *timeline.Timeline, f *rules.Finding, now access.Instant) *picture {
	from, until := shown(tl, f, now)
	p := &picture{Height: plotHeight, Width: plotWidth}
	axis := axis{from, until}
	p.bands(tl, axis)
	p.bars(tl, f, axis)
	p.ticks(axis)
	if f.Sunset != access.End && f.Sunset > from && f.Sunset < until {
		x := axis.at(f.Sunset)
		p.Sunset = &mark{X: percent(x), Plot: trimmed(x * plotWidth), Label: "sunset " + moment(f.Sunset), Left: x > 0.7}
	}
	p.Label = fmt.Sprintf("Accesses of %s for %s from %s to %s", text(who(f)), text(f.Feature), date(from), date(until))
	return p
}

// shown is the stretch of event time that a picture is of: all accesses, the time
// of judgement, and what is near of the terms.
func shown(tl *timeline.Timeline, f *rules.Finding, now access.Instant) (from, until access.Instant) {
	from, until = access.End, access.Beginning
	hold := func(a, b access.Instant) { from, until = min(from, a), max(until, b) }
	for i := range tl.Accesses {
		hold(tl.Accesses[i].From, tl.Accesses[i].Until)
	}
	for _, c := range []rules.Coordinate{f.FirstEvent, f.LastEvent} {
		if c != (rules.Coordinate{}) {
			hold(c.Time.Day().Start(), (c.Time.Day() + 1).Start())
		}
	}
	if f.Since != access.Beginning {
		hold(f.Since, f.Since)
	}
	if now != access.Beginning {
		hold(now, now)
	}
	if from == access.End {
		from, until = 0, 0
	}
	from = max(from, until.Plus(-longest)) // the length of all event time is more than an Instant holds
	if short := shortest - (until - from); short > 0 {
		from, until = from-short/2, until+short/2
	}
	// What is near: a picture is not to be made of empty years.
	reach := max((until-from)/3, 14*access.OneDay)
	first, last := from, until
	for _, b := range tl.Bands {
		for _, edge := range []access.Instant{b.From, b.Until} {
			if edge == access.Beginning || edge == access.End {
				continue
			}
			if edge < first && first-edge <= reach {
				from = min(from, edge)
			}
			if edge > last && edge-last <= reach {
				until = max(until, edge)
			}
		}
	}
	margin := max((until-from)/80, access.OneDay)
	return from - margin, until + margin
}

// shortest is the least that one picture shows.
const shortest = 20 * access.OneDay

// longest is the most that one picture shows.
const longest = 200 * 365 * 24 * time.Hour

// axis is event time from left to right.
type axis struct{ from, until access.Instant }

// at is the place of t, from 0 to 1.
func (a axis) at(t access.Instant) float64 {
	t = min(max(t, a.from), a.until)
	return float64(t-a.from) / float64(a.until-a.from)
}

func percent(x float64) string { return trimmed(x * 100) }

func trimmed(v float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

func (p *picture) bands(tl *timeline.Timeline, a axis) {
	seen := map[timeline.Stage]bool{}
	for _, b := range tl.Bands {
		x, end := a.at(b.From), a.at(b.Until)
		if end <= x || b.Until <= a.from || b.From >= a.until {
			continue
		}
		title := stageTitles[b.Stage] + " " + stretchOf(b.From, b.Until)
		if b.Why != "" {
			title += ": " + text(b.Why)
		}
		p.Bands = append(p.Bands, bandView{b.Stage.String(), trimmed(x * plotWidth), trimmed(max(end-x, 0.0015) * plotWidth), title})
		if !seen[b.Stage] {
			seen[b.Stage] = true
		}
	}
	for _, s := range []timeline.Stage{timeline.Granted, timeline.Paused, timeline.Grace, timeline.Ended, timeline.Planned, timeline.Unregistered} {
		if seen[s] {
			p.Legend = append(p.Legend, legend{"band " + s.String(), stageTitles[s]})
		}
	}
}

var stageTitles = map[timeline.Stage]string{
	timeline.Unregistered: "not registered",
	timeline.Planned:      "before its start",
	timeline.Granted:      "granted",
	timeline.Paused:       "paused",
	timeline.Grace:        "grace after the sunset",
	timeline.Ended:        "ended",
}

func stretchOf(from, until access.Instant) string {
	switch {
	case from == access.Beginning && until == access.End:
		return "at all times"
	case from == access.Beginning:
		return "until " + moment(until)
	case until == access.End:
		return "from " + moment(from)
	}
	return "from " + moment(from) + " to " + moment(until)
}

func (p *picture) bars(tl *timeline.Timeline, f *rules.Finding, a axis) {
	if len(tl.Accesses) == 0 {
		if f.Events > 0 {
			p.Notes = append(p.Notes, "The facts at hand keep no accesses by day.")
		}
		return
	}
	u := byDay
	coarse := false
	for i := range tl.Accesses {
		coarse = coarse || tl.Accesses[i].Until-tl.Accesses[i].From > access.OneDay
	}
	days := int((a.until - a.from) / access.OneDay)
	switch {
	case coarse || days > 7*mostBars:
		u = byMonth
	case days > mostBars:
		u = byWeek
	}
	var columns []column
	byClass := [classes]uint64{}
	for i := range tl.Accesses {
		x := &tl.Accesses[i]
		start := u.start(x.From)
		if n := len(columns); n == 0 || columns[n-1].from != start {
			columns = append(columns, column{from: start, until: u.next(start)})
		}
		c := &columns[len(columns)-1]
		n := [classes]uint64{found: x.Found}
		if x.Stage == timeline.Granted {
			n[other] = max(x.Wrong, x.Found) - x.Found
			n[lawful] = x.Events - n[other] - n[found]
		} else {
			n[other] = x.Events - n[found]
		}
		for k := range n {
			c.n[k] += n[k]
			byClass[k] += n[k]
		}
	}
	var peak *column
	for i := range columns {
		if peak == nil || columns[i].sum() > peak.sum() {
			peak = &columns[i]
		}
	}
	p.HasBars, p.Unit = true, unitWords[u]
	p.Peak = fmt.Sprintf("%s in the %s of %s", plural(peak.sum(), "access", "accesses"), p.Unit, date(peak.from))
	if u == byDay {
		p.Peak = fmt.Sprintf("%s on %s", plural(peak.sum(), "access", "accesses"), date(peak.from))
	}
	if u == byMonth {
		p.Peak = fmt.Sprintf("%s in %s", plural(peak.sum(), "access", "accesses"), peak.from.Time().Format("2006-01"))
	}
	scale := float64(plotHeight-18) / float64(peak.sum())
	paths := [classes]strings.Builder{}
	for i := range columns {
		c := &columns[i]
		if c.until <= a.from {
			if i == 0 {
				p.Notes = append(p.Notes, "Accesses before "+date(a.from)+" are not drawn.")
			}
			continue
		}
		x, w := a.at(c.from)*plotWidth, (a.at(c.until)-a.at(c.from))*plotWidth
		gap := 0.0
		if w > 4 {
			gap = min(w*0.15, 2)
		}
		y := float64(plotHeight)
		for k := range c.n {
			if c.n[k] == 0 {
				continue
			}
			h := max(float64(c.n[k])*scale, 1.2) // a single access is to be seen
			y -= h
			fmt.Fprintf(&paths[k], "M%s %sh%sv%sh-%sz", trimmed(x), trimmed(max(y, 0)), trimmed(max(w-gap, 0.8)), trimmed(h), trimmed(max(w-gap, 0.8)))
		}
	}
	names := [classes]string{
		lawful: "lawful accesses",
		other:  "wrong accesses of other findings",
		found:  "accesses of this finding",
	}
	if !tl.Exact && byClass[found] > 0 {
		names[found] = "accesses of this finding, or of others about the same terms"
	}
	if !tl.Exact && byClass[found] == 0 && f.Events > 0 && f.State != rules.Withdrawn {
		names[lawful] = "accesses; the facts at hand do not tell those of this finding apart"
	}
	for k := range paths {
		if paths[k].Len() > 0 {
			p.Layers = append(p.Layers, layer{classNames[k], paths[k].String()})
			p.Legend = append(p.Legend, legend{classNames[k], names[k]})
		}
	}
	if f.Attempts > 0 {
		p.Notes = append(p.Notes, "Denied and failed calls are not drawn.")
	}
}

// ticks are years or months, as many as there is room for.
func (p *picture) ticks(a axis) {
	const most = 11
	days := float64(a.until-a.from) / float64(access.OneDay)
	months := 1
	for _, m := range []int{1, 2, 3, 6, 12, 24, 60, 120, 600} {
		months = m
		if days/30.4/float64(m) <= most {
			break
		}
	}
	if days <= 62 {
		p.dayTicks(a, int(math.Ceil(days/most)))
		return
	}
	first := a.from.Time()
	at := time.Date(first.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	for n := 0; ; n++ {
		t := at.AddDate(0, n*months, 0)
		i := access.At(t)
		if i > a.until {
			return
		}
		x := a.at(i)
		if i < a.from || x > 0.9 {
			continue
		}
		label := t.Format("2006-01")
		if months%12 == 0 {
			label = t.Format("2006")
		}
		p.Ticks = append(p.Ticks, tick{percent(x), label, len(p.Ticks)%2 == 1})
	}
}

func (p *picture) dayTicks(a axis, step int) {
	for t := a.from.Day() + 1; t.Start() < a.until; t += access.Day(step) {
		if x := a.at(t.Start()); x <= 0.9 {
			p.Ticks = append(p.Ticks, tick{percent(x), t.Start().Time().Format("01-02"), len(p.Ticks)%2 == 1})
		}
	}
}

func date(t access.Instant) string { return t.Time().Format("2006-01-02") }
