package model

import (
	"slices"

	"sunsetwatch/rules/access"
)

// Question is what is asked, as the flags of replay ask it (section 6).
// Everything is the one without flags.
type Question struct {
	From, To access.Instant // only events with From <= time < To
	KnownAt  access.Instant // only what was recorded by then, and only events before then; End: everything
	At       access.Instant // N; Beginning: the earlier of To and KnownAt where given, else the latest event time
	Dedupe   Dedupe
	Files    bool     // all sources together are one
	Sources  []Source // nil: those of the events, each judged to its latest
}

// Everything asks about all events, under all that is known.
func Everything() Question {
	return Question{From: access.Beginning, To: access.End, KnownAt: access.End, At: access.Beginning, Dedupe: DedupeOff}
}

// now is N (rule 6).
func (q Question) now(counted []Event) access.Instant {
	if q.At != access.Beginning {
		return q.At
	}
	if n := min(q.To, q.KnownAt); n != access.End {
		return n
	}
	return latest(counted)
}

func latest(events []Event) access.Instant {
	n := access.Beginning
	for _, e := range events {
		n = max(n, e.Time)
	}
	return n
}

// counted are the events that the question is about, in the order of rule 8.
func (q Question) counted(events []Event) []Event {
	var in []Event
	for _, e := range distinct(events, q.Dedupe) {
		if q.From <= e.Time && e.Time < q.To && (q.KnownAt == access.End || e.Time < q.KnownAt) {
			in = append(in, e)
		}
	}
	slices.SortStableFunc(in, order)
	return in
}

// sources is rule 6: a source is judged to the latest event time counted in it,
// never to N; all files together are one.
func (q Question) sources(counted []Event) []Source {
	if q.Sources != nil {
		return q.Sources
	}
	var all []Source
	for _, e := range counted {
		name := e.Source
		if q.Files {
			name = "files"
		}
		i := slices.IndexFunc(all, func(s Source) bool { return s.Name == name })
		if i < 0 {
			i = len(all)
			all = append(all, Source{Name: name, JudgedTo: e.Time})
		}
		all[i].JudgedTo = max(all[i].JudgedTo, e.Time)
	}
	slices.SortFunc(all, func(a, b Source) int { return slices.Compare([]byte(a.Name), []byte(b.Name)) })
	return all
}

// Judge is one judgement as known: what is wrong at N, under what was known at
// K, in the order of findings.ndjson.
func Judge(g Registry, r Rules, events []Event, q Question) []Finding {
	counted := q.counted(events)
	return judgement{g, r, counted, q.now(counted), q.KnownAt, q.sources(counted)}.findings()
}

// judgement is what one judgement looks at.
type judgement struct {
	registry Registry
	rules    Rules
	events   []Event // those that count, in the order of rule 8
	n, k     access.Instant
	sources  []Source
}

// judged is an event with one of the verdicts on it.
type judged struct {
	Event
	verdict
}

// heap is what belongs to one finding, in the order of rule 8.
type heap struct {
	key                Key
	accesses, attempts []judged
}

// heaps puts every call where rule 1 wants it.
func (j judgement) heaps() []heap {
	var all []heap
	for _, e := range j.events {
		if !e.access() && !e.attempt() {
			continue
		}
		for _, v := range j.registry.verdicts(e, j.k) {
			i := slices.IndexFunc(all, func(h heap) bool { return h.key == v.key })
			if i < 0 {
				i = len(all)
				all = append(all, heap{key: v.key})
			}
			if e.access() {
				all[i].accesses = append(all[i].accesses, judged{e, v})
			} else {
				all[i].attempts = append(all[i].attempts, judged{e, v})
			}
		}
	}
	return all
}

// findings are those of all kinds that are not disabled.
func (j judgement) findings() []Finding {
	heaps := j.heaps()
	var all []Finding
	for _, h := range heaps {
		switch {
		// Rule 4: attempts never open a finding.
		case len(h.accesses) > 0:
			all = append(all, j.finding(h))
		// "Only attempts_after_sunset consists of attempts: it exists while there
		// are attempts and no access after the sunset."
		case h.key.Kind == AccessAfterSunset:
			all = append(all, j.knocking(h))
		}
	}
	all = append(all, j.retained(heaps)...)
	all = append(all, j.dormant()...)
	all = slices.DeleteFunc(all, func(f Finding) bool { return j.rules.Kinds[f.Kind].Disabled })
	for i := range all {
		f := &all[i]
		f.SuppressedBy = j.rules.exception(f.Key, j.n)
		f.Dispute = j.rules.dispute(f.Key)
		if s := j.rules.Kinds[f.Kind].Severity; s != "" {
			f.Severity = s
		}
	}
	sortFindings(all)
	return all
}

// probes are those of P and F, in the order of rule 8.
func (j judgement) probes(k Key) []Event {
	var all []Event
	for _, e := range j.events {
		if e.Probe == access.NoProbe || e.Feature != k.Feature {
			continue
		}
		if partner, unregistered := j.registry.whose(e.Principal, e.Time); partner == k.Partner && unregistered == k.Principal {
			all = append(all, e)
		}
	}
	return all
}
