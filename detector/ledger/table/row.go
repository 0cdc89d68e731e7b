package table

import (
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
)

// row is one row of the file; columns.md says what its columns mean. A change of
// it raises Format.
type row struct {
	Principal string   `parquet:"principal,dict"`
	Feature   string   `parquet:"feature,dict"`
	Scopes    []string `parquet:"scopes,list" parquet-element:",dict"`
	Operation string   `parquet:"operation,dict"`
	Direction string   `parquet:"direction,dict"`
	Outcome   string   `parquet:"outcome,dict"`
	Relation  string   `parquet:"relation,dict"`
	Consent   string   `parquet:"consent,dict"`
	Indicator string   `parquet:"indicator,dict"`
	Probe     *string  `parquet:"probe,optional,dict"`
	Folded    bool     `parquet:"folded"`

	Month int64  `parquet:"month,timestamp(nanosecond:utc)"`
	From  *int64 `parquet:"piece_from,optional,timestamp(nanosecond:utc)"`
	Until *int64 `parquet:"piece_until,optional,timestamp(nanosecond:utc)"`

	Events  uint64 `parquet:"events"`
	Records uint64 `parquet:"records"`
	Bytes   uint64 `parquet:"bytes"`
	Days    uint32 `parquet:"days"`
	Runs    []run  `parquet:"runs,list"`

	FirstTime   *int64  `parquet:"first_time,optional,timestamp(nanosecond:utc)"`
	FirstSource *string `parquet:"first_source,optional,dict"`
	FirstOffset *int64  `parquet:"first_offset,optional"`
	FirstIndex  *int32  `parquet:"first_index,optional"`
	FirstLate   *bool   `parquet:"first_late,optional"`
	LastTime    *int64  `parquet:"last_time,optional,timestamp(nanosecond:utc)"`
	LastSource  *string `parquet:"last_source,optional,dict"`
	LastOffset  *int64  `parquet:"last_offset,optional"`
	LastIndex   *int32  `parquet:"last_index,optional"`
	LastLate    *bool   `parquet:"last_late,optional"`

	People         uint64   `parquet:"people"`
	PeopleExact    bool     `parquet:"people_exact"`
	PeopleHashes   []uint64 `parquet:"people_hashes,list"`
	PeopleSketch   []byte   `parquet:"people_sketch,optional,plain"`
	Grantors       uint64   `parquet:"grantors"`
	GrantorsExact  bool     `parquet:"grantors_exact"`
	GrantorsHashes []uint64 `parquet:"grantors_hashes,list"`
	GrantorsSketch []byte   `parquet:"grantors_sketch,optional,plain"`
	PeopleFirst    *int64   `parquet:"people_first_time,optional,timestamp(nanosecond:utc)"`
	PeopleLast     *int64   `parquet:"people_last_time,optional,timestamp(nanosecond:utc)"`
}

// run is that of ledger.Days.
type run struct {
	First int64 `parquet:"first,timestamp(nanosecond:utc)"`
	Last  int64 `parquet:"last,timestamp(nanosecond:utc)"`
}

func newSchema() *parquet.Schema { return parquet.NewSchema("facts", parquet.SchemaOf(row{})) }

// fill sets r to a fact of l.
func (r *row) fill(l *ledger.Ledger, f *ledger.Fact) {
	a := f.Attributes
	*r = row{
		Principal: f.Principal, Feature: f.Feature, Scopes: f.Scopes,
		Operation: a.Operation.String(), Direction: a.Direction.String(), Outcome: a.Outcome.String(),
		Relation: a.Relation.String(), Consent: a.Consent.String(), Indicator: a.Indicator.String(),
		Folded: f.Folded,
		Month:  int64(f.Month().Start()), From: open(f.From), Until: open(f.Until),
		Events: f.Events, Records: f.Records, Bytes: f.Bytes,
		Runs: r.Runs[:0], // its memory is used again
	}
	if a.Probe != access.NoProbe {
		r.Probe = new(a.Probe.String())
	}
	if f.Events > 0 {
		r.Days = f.Days.Mask()
		for _, x := range f.Days.Runs() {
			r.Runs = append(r.Runs, run{int64(x.First), int64(x.Last)})
		}
		r.FirstTime, r.LastTime = new(int64(f.First.Time)), new(int64(f.Last.Time))
		r.FirstSource, r.LastSource = new(l.SourceName(f.First.Source)), new(l.SourceName(f.Last.Source))
		r.FirstOffset, r.LastOffset = &f.First.Offset, &f.Last.Offset
		r.FirstIndex, r.LastIndex = new(f.First.Index()), new(f.Last.Index())
		r.FirstLate, r.LastLate = new(f.First.Late()), new(f.Last.Late())
	}
	r.People, r.PeopleExact = f.People.Count()
	r.PeopleHashes, _ = f.People.Hashes()
	r.PeopleSketch = f.People.Sketch()
	r.Grantors, r.GrantorsExact = f.Grantors.Count()
	r.GrantorsHashes, _ = f.Grantors.Hashes()
	r.GrantorsSketch = f.Grantors.Sketch()
	if f.People != nil || f.Grantors != nil {
		r.PeopleFirst, r.PeopleLast = new(int64(f.PeopleFirst)), new(int64(f.PeopleLast))
	}
}

// open is an instant that may be open, which is null in the file.
func open(t access.Instant) *int64 {
	if t == access.Beginning || t == access.End {
		return nil
	}
	return new(int64(t))
}

// fact is the fact of a row. sources are those of the file.
func (r *row) fact(sources map[string]ledger.SourceID) (*ledger.Fact, error) {
	f := &ledger.Fact{
		Principal: r.Principal, Feature: r.Feature, Scopes: slices.Clone(r.Scopes), Folded: r.Folded,
		From: access.Beginning, Until: access.End,
	}
	f.Events, f.Records, f.Bytes = r.Events, r.Records, r.Bytes
	if len(r.Scopes) == 0 {
		f.Scopes = nil
	}
	if r.From != nil {
		f.From = access.Instant(*r.From)
	}
	if r.Until != nil {
		f.Until = access.Instant(*r.Until)
	}
	if err := r.words(&f.Attributes); err != nil {
		return nil, err
	}
	if err := r.counted(f, sources); err != nil {
		return nil, err
	}
	if err := r.met(f); err != nil {
		return nil, err
	}
	switch {
	case r.Events == 0 && r.PeopleFirst == nil:
		return nil, fmt.Errorf("a row of nothing")
	case int64(f.Month().Start()) != r.Month:
		return nil, fmt.Errorf("month is %s, the facts are of %s", access.Instant(r.Month), f.Month().Start())
	}
	return f, nil
}

// words reads the attributes.
func (r *row) words(a *ledger.Attributes) error {
	probe := ""
	if r.Probe != nil {
		probe = *r.Probe
		if probe == "" {
			return fmt.Errorf("probe is an empty word")
		}
	}
	var ok [7]bool
	a.Operation, ok[0] = access.ParseOperation([]byte(r.Operation))
	a.Direction, ok[1] = access.ParseDirection([]byte(r.Direction))
	a.Outcome, ok[2] = access.ParseOutcome([]byte(r.Outcome))
	a.Relation, ok[3] = access.ParseRelation([]byte(r.Relation))
	a.Consent, ok[4] = access.ParseConsent([]byte(r.Consent))
	a.Indicator, ok[5] = access.ParseIndicator([]byte(r.Indicator))
	a.Probe, ok[6] = access.ParseProbe([]byte(probe))
	if i := slices.Index(ok[:], false); i >= 0 {
		columns := [...]string{"operation", "direction", "outcome", "relation", "consent", "indicator", "probe"}
		return fmt.Errorf("an unknown word in the column %s", columns[i])
	}
	return nil
}

// counted reads what was counted.
func (r *row) counted(f *ledger.Fact, sources map[string]ledger.SourceID) error {
	if r.Events == 0 {
		if r.FirstTime != nil || r.LastTime != nil || len(r.Runs) > 0 || r.Days != 0 || r.Records != 0 || r.Bytes != 0 {
			return fmt.Errorf("no events, and yet some of their columns are set")
		}
		return nil
	}
	var err error
	if f.First, err = mark(sources, r.FirstTime, r.FirstSource, r.FirstOffset, r.FirstIndex, r.FirstLate); err != nil {
		return fmt.Errorf("first event: %w", err)
	}
	if f.Last, err = mark(sources, r.LastTime, r.LastSource, r.LastOffset, r.LastIndex, r.LastLate); err != nil {
		return fmt.Errorf("last event: %w", err)
	}
	runs := make([]ledger.Run, len(r.Runs))
	for i, x := range r.Runs {
		runs[i] = ledger.Run{First: access.Instant(x.First), Last: access.Instant(x.Last)}
	}
	f.Days, err = ledger.DaysOf(runs)
	return err
}

func mark(sources map[string]ledger.SourceID, at *int64, source *string, offset *int64, index *int32, late *bool) (ledger.Mark, error) {
	switch {
	case at == nil || source == nil || offset == nil || index == nil || late == nil:
		return ledger.Mark{}, fmt.Errorf("its time or place is missing")
	case *index < 0:
		return ledger.Mark{}, fmt.Errorf("index %d", *index)
	}
	id, ok := sources[*source]
	if !ok {
		return ledger.Mark{}, fmt.Errorf("its source is not among those of the file")
	}
	return ledger.NewMark(access.Instant(*at), id, *offset, *index, *late), nil
}

// met reads the people.
func (r *row) met(f *ledger.Fact) error {
	var err error
	if f.People, err = people(r.People, r.PeopleExact, r.PeopleHashes, r.PeopleSketch); err != nil {
		return fmt.Errorf("people: %w", err)
	}
	if f.Grantors, err = people(r.Grantors, r.GrantorsExact, r.GrantorsHashes, r.GrantorsSketch); err != nil {
		return fmt.Errorf("grantors: %w", err)
	}
	somebody := f.People != nil || f.Grantors != nil
	if somebody != (r.PeopleFirst != nil) || somebody != (r.PeopleLast != nil) {
		return fmt.Errorf("people without the time of their events, or the other way round")
	}
	if somebody {
		f.PeopleFirst, f.PeopleLast = access.Instant(*r.PeopleFirst), access.Instant(*r.PeopleLast)
	}
	return nil
}

func people(n uint64, exact bool, hashes []uint64, sketch []byte) (*ledger.People, error) {
	p, err := ledger.PeopleOf(hashes, sketch)
	if err != nil {
		return nil, err
	}
	if got, gotExact := p.Count(); got != n || gotExact != exact {
		return nil, fmt.Errorf("%d are counted (exact: %t), and it says %d (%t)", got, gotExact, n, exact)
	}
	return p, nil
}
