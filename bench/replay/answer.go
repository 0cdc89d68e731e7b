package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"time"
)

// answer says of each partner and feature what was accessed after a sunset. Pairs
// without such an access are not in it.
type answer map[string]after

// after are the served accesses of a pair after its sunsets.
type after struct {
	Events, Days     uint64
	People, Grantors crowd
	Records, Bytes   uint64
	First, Last      int64 // nanoseconds since 1970
}

// crowd is a number of distinct people.
type crowd struct {
	N     uint64
	About bool // it is an estimate
}

// short is what the short question asks for.
func (f after) short() after {
	return after{Events: f.Events, Grantors: f.Grantors, Records: f.Records, First: f.First, Last: f.Last}
}

// short is the answer to the short question.
func (a answer) short() answer {
	s := answer{}
	for name, f := range a {
		s[name] = f.short()
	}
	return s
}

// exactly is up to how many people sunsetwatch counts exactly; above, its
// estimate has this relative error (one sigma).
const (
	exactly = 1024
	sigma   = 1.04 / 128
)

// differences between an answer and the true one, some of them.
func (a answer) differences(want answer) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(a) != len(want) {
		say("%d pairs, want %d", len(a), len(want))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		got, want := a[name], want[name]
		for _, c := range []struct{ got, want *crowd }{{&got.People, &want.People}, {&got.Grantors, &want.Grantors}} {
			if c.got.near(*c.want) {
				*c.got = *c.want
			}
		}
		if got != want {
			say("%s: %+v, want %+v", name, got, want)
		}
	}
	return all[:min(len(all), 5)]
}

// near reports whether a number is right, as exactly as it says.
func (c crowd) near(true crowd) bool {
	if c.About && true.N > exactly {
		return math.Abs(float64(c.N)-float64(true.N)) <= 3*sigma*float64(true.N)
	}
	return c.N == true.N
}

// totals of an answer, for people.
func (a answer) totals() (events, people uint64) {
	for _, f := range a {
		events += f.Events
		people += f.People.N
	}
	return events, people
}

// truth counts what the generator made, one event at a time.
type truth struct {
	world            *world
	pairs            []after
	days             []map[int64]bool
	people, grantors []map[string]bool
}

func newTruth(w *world) *truth {
	n := len(w.pairs)
	return &truth{w, make([]after, n), make([]map[int64]bool, n), make([]map[string]bool, n), make([]map[string]bool, n)}
}

func (t *truth) add(e *event) {
	if e.pair < 0 || e.Outcome != "served" || !t.world.pairs[e.pair].over(e.Time) {
		return
	}
	at := e.Time.UnixNano()
	f := &t.pairs[e.pair]
	if f.Events == 0 {
		f.First, f.Last = at, at
		t.days[e.pair], t.people[e.pair], t.grantors[e.pair] = map[int64]bool{}, map[string]bool{}, map[string]bool{}
	}
	f.Events++
	f.Records += uint64(e.Records)
	f.Bytes += uint64(e.Bytes)
	f.First, f.Last = min(f.First, at), max(f.Last, at)
	t.days[e.pair][at/int64(24*time.Hour)] = true
	t.people[e.pair][e.Subject] = true
	t.grantors[e.pair][e.Grantor] = true
}

func (t *truth) answer() answer {
	a := answer{}
	for i, f := range t.pairs {
		if f.Events > 0 {
			f.Days, f.People.N, f.Grantors.N = uint64(len(t.days[i])), uint64(len(t.people[i])), uint64(len(t.grantors[i]))
			a[t.world.pairs[i].name()] = f
		}
	}
	return a
}

func (p *pair) name() string { return p.partnerName() + "/" + p.featureName() }

// fromFindings reads findings.ndjson, which has more than was asked.
func fromFindings(file string) (answer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a := answer{}
	for line := range bytes.Lines(b) {
		type moment struct{ Time time.Time }
		var f struct {
			Kind, Partner, Feature string
			Events, Days           uint64
			People, Grantors       uint64
			Records, Bytes         uint64
			PeopleExact            bool   `json:"people_exact"`
			GrantorsExact          bool   `json:"grantors_exact"`
			FirstEvent             moment `json:"first_event"`
			LastEvent              moment `json:"last_event"`
		}
		if err := json.Unmarshal(line, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if f.Kind == "access_after_sunset" {
			a[f.Partner+"/"+f.Feature] = after{f.Events, f.Days, crowd{f.People, !f.PeopleExact}, crowd{f.Grantors, !f.GrantorsExact},
				f.Records, f.Bytes, f.FirstEvent.Time.UnixNano(), f.LastEvent.Time.UnixNano()}
		}
	}
	return a, nil
}

// fromTable reads what DuckDB wrote, by the names of its columns.
func fromTable(file string, w *world) (answer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	a := answer{}
	for _, row := range rows[1:] {
		n := map[string]int64{}
		for i, name := range rows[0] {
			if n[name], err = strconv.ParseInt(row[i], 10, 64); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
		}
		count := func(name string) uint64 { return uint64(n[name]) }
		a[w.pairs[n["pair"]].name()] = after{count("events"), count("days"), crowd{N: count("people")}, crowd{N: count("grantors")},
			count("records"), count("bytes"), n["first"], n["last"]}
	}
	return a, nil
}
