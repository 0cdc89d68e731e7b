package registry

import (
	"cmp"
	"slices"
	"time"

	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// revisable says which fields revisions may name.
type revisable uint8

const (
	everyField revisable = iota // registrations
	endingOnly                  // programs and retired scopes: sunset and grace
)

// revisionKeys in the order in which files write them.
func (w revisable) revisionKeys() []string {
	keys := []string{"recorded", "effective", "by", "reason", "ticket", "sunset", "grace"}
	if w == everyField {
		keys = append(keys, "from", "deprecation", "pauses", "operations", "scopes", "inbound", "requires")
	}
	return keys
}

// readHistory reads the revisions of m, or the one that is written inline.
func (s *set) readHistory(m *document.Mapping, fields revisable) history {
	f := folding{set: s, fields: fields, now: unwritten(), recorded: access.Beginning}
	if revisions := m.Value("revisions"); revisions.Present() {
		for _, key := range fields.revisionKeys() {
			if v := m.Value(key); v.Present() {
				v.KeyPlace().Errorf("%s stands beside revisions: move it into one of them", key)
			}
		}
		revisions.Each(func(v document.Value) {
			if m, ok := v.Mapping(); ok {
				f.readRevision(m)
				m.Done()
			}
		})
		if revisions.Null() || revisions.IsList() && len(f.history) == 0 {
			revisions.Errorf("revisions is empty: write at least one")
		}
	} else {
		f.readRevision(m)
	}
	f.finish()
	return slices.Clip(f.history)
}

// folding reads revisions in their order and checks each against those before
// it, ignoring effective.
type folding struct {
	set     *set
	fields  revisable
	history history

	now      revision       // all fields as the last revision leaves them
	recorded access.Instant // of the last revision that says it
	ends     bool           // a sunset was named
	grace    document.Value // the first grace that was named
}

func (f *folding) readRevision(m *document.Mapping) {
	s, r := f.set, unwritten()
	r.File, r.Line = s.share(m.Place().File()), m.Place().Line()
	f.readWhen(m, &r)
	r.By = s.text(m.Value("by"))
	r.Reason = s.text(m.Value("reason"))
	r.Ticket = s.text(m.Value("ticket"))

	var values [Fields]document.Value
	field := func(f Field, set func(document.Value) bool) {
		v := m.Value(f.String())
		values[f] = v
		if v.Null() || v.Present() && set(v) {
			r.name(f)
		}
	}
	field(Sunset, func(v document.Value) (ok bool) { r.sunset, ok = s.openInstant(v, access.End); return ok })
	field(Grace, func(v document.Value) (ok bool) { r.grace, ok = s.grace(v); return ok })
	if f.fields == everyField {
		field(From, func(v document.Value) (ok bool) { r.from, ok = s.openInstant(v, access.Beginning); return ok })
		field(Deprecation, func(v document.Value) (ok bool) { r.deprecation, ok = s.openInstant(v, access.End); return ok })
		field(Pauses, func(v document.Value) bool { r.pauses = s.pauses(v); return v.IsList() })
		field(Operations, func(v document.Value) bool { r.operations = s.operations(v); return v.IsList() })
		field(Scopes, func(v document.Value) bool { r.scopes = s.patterns(v); return v.IsList() })
		field(Inbound, func(v document.Value) (ok bool) { r.inbound, ok = v.Bool(); return ok })
		field(Requires, func(v document.Value) bool { r.requires = s.requires(v); return v.IsList() })
	}
	f.fold(&r, &values)
	f.history = append(f.history, r)
}

// readWhen reads recorded and effective.
func (f *folding) readWhen(m *document.Mapping, r *revision) {
	recorded, effective := m.Value("recorded"), m.Value("effective")
	switch {
	case recorded.Given():
		at, ok := f.set.instant(recorded)
		if !ok {
			break
		}
		r.Recorded = at
		if at < f.recorded {
			recorded.Errorf("revisions are out of order: recorded %s comes after %s", at, f.recorded)
		}
		if f.set.now != access.End && at > f.set.now {
			recorded.Errorf("recorded %s lies in the future", at)
		}
		f.recorded = max(f.recorded, at)
	case len(f.history) > 0 && f.recorded != access.Beginning:
		m.Place().Errorf("recorded is missing: the revision before this one was recorded %s", f.recorded)
	}
	if !effective.Given() {
		return
	}
	if len(f.history) == 0 {
		advice := ""
		if f.fields == everyField {
			advice = ": use from"
		}
		effective.KeyPlace().Errorf("effective is not allowed in a first revision%s", advice)
	}
	if at, ok := f.set.instant(effective); ok {
		r.Effective = at
	}
}

// fold takes over what r names, and reports what then contradicts.
func (f *folding) fold(r *revision, values *[Fields]document.Value) {
	before := f.now
	for field := range Field(Fields) {
		if r.names(field) {
			f.now.take(r, field)
		}
	}
	now := &f.now
	place := func(first, second Field) document.Value {
		if r.names(first) {
			return values[first]
		}
		return values[second]
	}
	if now.sunset <= now.from && now.sunset != access.End && (r.names(Sunset) || r.names(From)) {
		place(Sunset, From).Errorf("sunset %s is not after from %s", now.sunset, now.from)
	}
	if now.deprecation != access.End && now.sunset < now.deprecation && (r.names(Sunset) || r.names(Deprecation)) {
		place(Sunset, Deprecation).Errorf("sunset %s lies before deprecation %s", now.sunset, now.deprecation)
	}
	if len(f.history) > 0 && r.Effective == access.Beginning {
		f.rewrites(Operations, r, values, !sameGrant(before.operations, now.operations))
		f.rewrites(Scopes, r, values, !sameGrant(before.scopes, now.scopes))
		f.rewrites(Requires, r, values, before.requires != now.requires)
		f.rewrites(Inbound, r, values, before.inbound != now.inbound)
	}
	f.ends = f.ends || values[Sunset].Given()
	if r.grace > 0 && !f.grace.Present() {
		f.grace = values[Grace]
	}
}

func (f *folding) rewrites(field Field, r *revision, values *[Fields]document.Value, changed bool) {
	if v := values[field]; changed && r.names(field) {
		v.KeyPlace().Warnf("%s changes without effective, so for the past too: write effective if it holds from some time on", field)
	}
}

// finish reports what no revision mended.
func (f *folding) finish() {
	if f.grace.Present() && !f.ends {
		f.grace.KeyPlace().Warnf("grace without a sunset")
	}
}

// take copies one field of o.
func (r *revision) take(o *revision, f Field) {
	switch f {
	case From:
		r.from = o.from
	case Sunset:
		r.sunset = o.sunset
	case Deprecation:
		r.deprecation = o.deprecation
	case Grace:
		r.grace = o.grace
	case Pauses:
		r.pauses = o.pauses
	case Operations:
		r.operations = o.operations
	case Scopes:
		r.scopes = o.scopes
	case Inbound:
		r.inbound = o.inbound
	case Requires:
		r.requires = o.requires
	}
}

func (s *set) grace(v document.Value) (time.Duration, bool) {
	d, ok := v.Duration()
	if ok && d%time.Minute != 0 {
		v.Errorf("grace %s is not in whole minutes", document.FormatDuration(d))
		return 0, false
	}
	return d, ok
}

func (s *set) pauses(v document.Value) []Pause {
	var all []Pause
	v.Each(func(v document.Value) {
		m, ok := v.Mapping()
		if !ok {
			return
		}
		var p Pause
		from, until := m.Value("from", document.Required), m.Value("until", document.Required)
		ok = s.window(from, until, &p.From, &p.Until)
		p.Why = s.text(m.Value("why"))
		m.Done()
		if ok {
			all = append(all, p)
		}
	})
	slices.SortFunc(all, func(a, b Pause) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until), cmp.Compare(a.Why, b.Why))
	})
	return slices.Clip(all)
}

func (s *set) operations(v document.Value) []access.Operation {
	words := []string{access.Read.String(), access.List.String(), access.Write.String(), access.Delete.String()}
	return sorted(v, func(v document.Value) (o access.Operation, ok bool) {
		w, ok := v.Word(words)
		if ok {
			o, _ = access.ParseOperation([]byte(w))
		}
		return o, ok
	})
}

func (s *set) requires(v document.Value) Requirement {
	var all Requirement
	v.Each(func(v document.Value) {
		if w, ok := v.Word(requirementWords); ok {
			all |= 1 << slices.Index(requirementWords, w)
		}
	})
	return all
}

func (s *set) patterns(v document.Value) []string {
	return sorted(v, func(v document.Value) (string, bool) {
		p := s.pattern(v)
		return p, p != ""
	})
}

// sorted are the items of a list that read understands, each once; never nil.
func sorted[T cmp.Ordered](v document.Value, read func(document.Value) (T, bool)) []T {
	all := []T{}
	v.Each(func(v document.Value) {
		if item, ok := read(v); ok {
			all = append(all, item)
		}
	})
	slices.Sort(all)
	return slices.Clip(slices.Compact(all))
}
