package registry

import (
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// set is what the files of a set say, with the places where they say it, until
// it is found to be without errors.
type set struct {
	now   access.Instant
	texts map[string]string // one copy of each text, which repeat a great deal

	broken bool // a file could not be read: who knows what it declares

	partners      []declaredPartner
	programs      []declaredProgram
	scopes        []declaredScope
	registrations []declaredRegistration

	// Where each name was declared first.
	partnerPlaces      map[string]document.Place
	programPlaces      map[string]document.Place
	scopePlaces        map[string]document.Place
	registrationPlaces map[Pair]document.Place
}

type declaredPartner struct {
	*Partner
	place   document.Place
	aliases []document.Place // of Principals
}

type declaredProgram struct {
	*Program
	place document.Place
}

type declaredScope struct {
	retirement
	place document.Place
}

type declaredRegistration struct {
	*Registration
	partner, program document.Place
}

func newSet(opts Options) *set {
	return &set{
		now:                opts.Now,
		texts:              make(map[string]string),
		partnerPlaces:      make(map[string]document.Place),
		programPlaces:      make(map[string]document.Place),
		scopePlaces:        make(map[string]document.Place),
		registrationPlaces: make(map[Pair]document.Place),
	}
}

// version of the file format that is understood.
const version = 1

// read adds one file to the set.
func (s *set) read(d *document.Document) {
	m := d.Root()
	if v := m.Value("version", document.Required); v.Given() {
		if n, ok := v.Int(); ok && n != version {
			v.Errorf("version %d is not understood: write version: %d", n, version)
		}
	}
	m.Each("partners", s.readPartner)
	m.Each("programs", s.readProgram)
	m.Each("scopes", s.readScope)
	m.Each("registrations", s.readRegistration)
	m.Done()
	s.broken = s.broken || d.Broken()
}

func (s *set) readPartner(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	name := m.Value("name", document.Required)
	p := declaredPartner{Partner: &Partner{Name: s.label(name)}, place: name.Place()}
	p.Owner = s.text(m.Value("owner"))
	p.Team = s.text(m.Value("team"))
	m.Each("principals", func(v document.Value) {
		if alias, place, ok := s.readAlias(v); ok {
			p.Principals = append(p.Principals, alias)
			p.aliases = append(p.aliases, place)
		}
	})
	m.Done()
	if first(s.partnerPlaces, "partner", p.Name, p.place) {
		s.partners = append(s.partners, p)
	}
}

func (s *set) readAlias(v document.Value) (_ Alias, _ document.Place, ok bool) {
	alias := Alias{From: access.Beginning, Until: access.End}
	if !v.IsMapping() {
		alias.Principal = s.name(v)
		return alias, v.Place(), alias.Principal != ""
	}
	m, _ := v.Mapping()
	id := m.Value("id", document.Required)
	alias.Principal = s.name(id)
	from, until := m.Value("from"), m.Value("until")
	ok = s.window(from, until, &alias.From, &alias.Until)
	m.Done()
	return alias, id.Place(), ok && alias.Principal != ""
}

// window reads a half-open window of which either end may be absent.
func (s *set) window(from, until document.Value, begin, end *access.Instant) bool {
	ok := true
	if from.Given() {
		*begin, ok = s.instant(from)
	}
	if until.Given() {
		var good bool
		*end, good = s.instant(until)
		if ok = ok && good; ok && *end <= *begin {
			until.Errorf("until %s is not after from %s", *end, *begin)
			return false
		}
	}
	return ok
}

func (s *set) readProgram(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	name := m.Value("name", document.Required)
	p := declaredProgram{&Program{Name: s.name(name)}, name.Place()}
	p.Owner = s.text(m.Value("owner"))
	p.Team = s.text(m.Value("team"))
	p.history = s.readHistory(m, endingOnly)
	m.Done()
	if first(s.programPlaces, "program", p.Name, p.place) {
		s.programs = append(s.programs, p)
	}
}

func (s *set) readScope(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	name := m.Value("name", document.Required)
	r := declaredScope{retirement{name: s.pattern(name)}, name.Place()}
	r.history = s.readHistory(m, endingOnly)
	m.Done()
	if first(s.scopePlaces, "scope", r.name, r.place) {
		s.scopes = append(s.scopes, r)
	}
}

// first reports whether a name is declared for the first time, and notes where. A
// name that could not be read is "".
func first(places map[string]document.Place, what, name string, place document.Place) bool {
	if name == "" {
		return false
	}
	if before, ok := places[name]; ok {
		place.Errorf("%s %s is defined twice: first at %s", what, document.Show(name), before)
		return false
	}
	places[name] = place
	return true
}

func (s *set) readRegistration(v document.Value) {
	m, ok := v.Mapping()
	if !ok {
		return
	}
	partner, feature := m.Value("partner", document.Required), m.Value("feature", document.Required)
	program := m.Value("program")
	r := declaredRegistration{
		Registration: &Registration{Partner: s.label(partner), Feature: s.label(feature)},
		partner:      partner.Place(),
		program:      program.Place(),
	}
	if program.Given() {
		r.Program = s.name(program)
	}
	r.history = s.readHistory(m, everyField)
	m.Done()
	if r.Partner == "" || r.Feature == "" {
		return
	}
	pair := Pair{r.Partner, r.Feature}
	if first, ok := s.registrationPlaces[pair]; ok {
		partner.KeyPlace().Errorf("%s of %s is registered twice: first at %s", document.Show(r.Feature), document.Show(r.Partner), first)
		return
	}
	s.registrationPlaces[pair] = r.partner
	s.registrations = append(s.registrations, r)
}

// compile makes the Snapshot of a set without errors.
func (s *set) compile() *Snapshot {
	partners := make([]*Partner, len(s.partners))
	for i, p := range s.partners {
		partners[i] = p.Partner
	}
	programs := make([]*Program, len(s.programs))
	byName := make(map[string]*Program, len(s.programs))
	for i, p := range s.programs {
		programs[i] = p.Program
		byName[p.Name] = p.Program
	}
	retirements := make([]retirement, len(s.scopes))
	for i, r := range s.scopes {
		retirements[i] = r.retirement
	}
	registrations := make([]*Registration, len(s.registrations))
	for i, r := range s.registrations {
		r.Registration.program = byName[r.Program]
		registrations[i] = r.Registration
	}
	return newSnapshot(partners, programs, retirements, registrations)
}
