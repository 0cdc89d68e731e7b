package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/format"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// binding says which column stands for which place of the field map.
type binding struct {
	places []boundPlace
	// pair are the places that say principal and feature, like those that say what
	// else rows have in common, shape both.
	pair, like, shape []int

	time, id, subject, grantor, records, bytes rowField

	absent    []string
	signature string // bindings of the same one read the same places as the same types
}

// boundPlace is a place with its column.
type boundPlace struct {
	leaf int // -1: there is no column
	kind placeKind
}

type placeKind uint8

const (
	nowhere placeKind = iota
	texts
	numbers
	booleans
	timestamps
	listOfTexts
)

// rowField is a field that is read row by row.
type rowField struct {
	places []int // of its alternatives; none: the field map alone says what it is
	plain  bool  // what is found is the value
}

// reads reports whether it is read from a place.
func (f *rowField) reads(place int) bool { return slices.Contains(f.places, place) }

var (
	pairFields = []string{"principal", "feature"}
	likeFields = []string{"operation", "scopes", "direction", "consent", "indicator", "outcome", "probe"}
	required   = []string{"time", "principal", "feature", "operation"}
)

// bind looks for the columns of the field map.
func (a *Archive) bind(leaves []leaf) (*binding, error) {
	m := a.options.Mapping
	if m.Explodes() {
		return nil, errors.New("a row of Parquet is one event: events.explode does not go with it")
	}
	b := &binding{}
	var problems []error
	refused := map[int]bool{} // places with a column that cannot be read
	readings := m.Readings()
	all := m.Places()
	readers := make([][]string, len(all))
	for _, r := range readings {
		for _, s := range r.Sources {
			if s.Place >= 0 && !slices.Contains(readers[s.Place], r.Field) {
				readers[s.Place] = append(readers[s.Place], r.Field)
			}
		}
	}
	var sign strings.Builder
	for i, p := range all {
		bound, err := bindPlace(leaves, p, readers[i], m.TimeDigits() >= 0)
		if err != nil {
			problems = append(problems, err)
			refused[i] = true
		}
		b.places = append(b.places, bound)
		fmt.Fprintf(&sign, "%d ", bound.kind)
	}
	b.signature = sign.String()

	for _, r := range readings {
		var places []int
		plain, there := r.Plain, r.Filled
		for _, s := range r.Sources {
			switch {
			case s.Text != nil:
				there = true
				plain = plain && len(r.Sources) == 1
			case refused[s.Place]:
				there = true // and told already
			case s.Place >= 0 && b.places[s.Place].kind != nowhere:
				there = true
				places = append(places, s.Place)
			}
		}
		if !there {
			if err := b.missing(leaves, all, &r); err != nil {
				problems = append(problems, err)
			}
		}
		if slices.Contains(pairFields, r.Field) {
			b.pair = append(b.pair, places...)
			continue
		}
		if slices.Contains(likeFields, r.Field) {
			b.like = append(b.like, places...)
			continue
		}
		kind := texts
		if r.Field == "records" || r.Field == "bytes" {
			kind = numbers
			plain = plain && len(places) <= 1
		}
		for _, p := range places {
			k := b.places[p].kind
			plain = plain && (k == kind || r.Field == "time" && len(places) == 1 && (k == timestamps || k == numbers))
			if !r.Mapped && k != kind && r.Field != "time" {
				problems = append(problems, fmt.Errorf("column %s is %s, and %s is %s: name the column under events.fields to have it read as one",
					leaves[b.places[p].leaf].name(), kindWords[k], r.Field, kindWords[kind]))
			}
		}
		*b.rowField(r.Field) = rowField{places: places, plain: plain}
	}
	b.shape = slices.Concat(b.pair, b.like)
	for _, places := range []*[]int{&b.pair, &b.like, &b.shape} {
		slices.Sort(*places)
		*places = slices.Compact(*places)
	}
	return b, errors.Join(problems...)
}

func (b *binding) rowField(name string) *rowField {
	switch name {
	case "time":
		return &b.time
	case "id":
		return &b.id
	case "subject":
		return &b.subject
	case "grantor":
		return &b.grantor
	case "records":
		return &b.records
	}
	return &b.bytes
}

var kindWords = [...]string{texts: "a text", numbers: "a number", booleans: "a boolean", timestamps: "a TIMESTAMP", listOfTexts: "a list of texts"}

// missing notes that there is nothing to read a field from.
func (b *binding) missing(leaves []leaf, all []codec.Place, r *codec.Reading) error {
	if r.Field == "operation" && b.hasColumn("probe", all) {
		return nil // capability probes need none
	}
	if !slices.Contains(required, r.Field) {
		if r.Mapped {
			b.absent = append(b.absent, r.Field)
		}
		return nil
	}
	var names []string
	for i := range leaves {
		names = append(names, leaves[i].name())
	}
	var wanted, outside []string
	suggestion := ""
	for _, s := range r.Sources {
		if s.Place < 0 {
			outside = append(outside, "a header or key")
			continue
		}
		name := strings.Join(all[s.Place].Names, ".")
		wanted = append(wanted, name)
		if suggestion == "" {
			suggestion = codec.Suggest(name, names)
		}
	}
	if len(wanted) == 0 {
		return fmt.Errorf("%s is read from %s, which files do not have: say under events.fields which column it is", r.Field, outside[0])
	}
	if len(names) > 30 {
		names = append(names[:30:30], "...")
	}
	return fmt.Errorf("there is no column %s, which %s is read from%s; say under events.fields where it is. The columns are %s",
		strings.Join(wanted, " or "), r.Field, suggestion, strings.Join(names, ", "))
}

func (b *binding) hasColumn(name string, all []codec.Place) bool {
	for i, p := range all {
		if len(p.Names) == 1 && p.Names[0] == name && b.places[i].kind != nowhere {
			return true
		}
	}
	return false
}

// bindPlace looks for the column of one place.
func bindPlace(leaves []leaf, p codec.Place, fields []string, unix bool) (boundPlace, error) {
	none := boundPlace{leaf: -1}
	at, below := -1, 0
	for i := range leaves {
		l := &leaves[i]
		switch {
		case slices.Equal(l.path, p.Names):
			at, below = i, 1
		case len(l.path) > len(p.Names) && slices.Equal(l.path[:len(p.Names)], p.Names):
			if below++; below == 1 {
				at = i
			}
		}
		if at == i && slices.Equal(l.path, p.Names) {
			break
		}
	}
	if at < 0 { // also as one name with dots in it, as flattened tables have
		at = slices.IndexFunc(leaves, func(l leaf) bool {
			return len(l.path) == 1 && len(p.Names) > 1 && l.path[0] == strings.Join(p.Names, ".")
		})
		below = 1
	}
	if at < 0 {
		return none, nil
	}
	l := &leaves[at]
	name, field := strings.Join(p.Names, "."), fields[0]
	exact := len(l.path) == len(p.Names) || len(l.path) == 1
	switch {
	case below > 1 || !exact && l.maxRep == 0 || l.maxRep > 1:
		return none, fmt.Errorf("column %s is a group of columns, not one value: say under events.fields which of them %s is", name, field)
	case l.strange != "":
		return none, fmt.Errorf("column %s is %s, which %s cannot be read from: write it as a string%s", name, l.strange, field, timeHint(l, field))
	case l.maxRep == 1 && (!p.List || len(fields) > 1):
		if field == "scopes" {
			field = fields[len(fields)-1]
		}
		return none, fmt.Errorf("column %s is a list, and %s is one value", name, field)
	case l.maxRep == 1 && l.physical != format.ByteArray:
		return none, fmt.Errorf("column %s is a list of %s, and %s are strings", name, l.physical, field)
	case l.maxRep == 1:
		return boundPlace{at, listOfTexts}, nil
	case l.unit != 0 && (field != "time" || len(fields) > 1):
		return none, fmt.Errorf("column %s is a TIMESTAMP, which %s cannot be read from", name, field)
	case l.unit != 0 && !l.zone:
		return none, fmt.Errorf("column %s is a TIMESTAMP that does not say its zone (isAdjustedToUTC=false), so that nobody knows which instants it means: write it with a zone, such as TIMESTAMPTZ in DuckDB, TIMESTAMP instead of TIMESTAMP_NTZ in Spark, timestamp('us', tz='UTC') in Arrow", name)
	case l.unit != 0:
		return boundPlace{at, timestamps}, nil
	case l.physical == format.ByteArray:
		return boundPlace{at, texts}, nil
	case l.physical == format.Boolean:
		return boundPlace{at, booleans}, nil
	case field == "time" && !unix:
		return none, fmt.Errorf("column %s is a number, and nothing says of what unit: set events.time_format to unix, unix_ms, unix_us or unix_ns", name)
	}
	return boundPlace{at, numbers}, nil
}

func timeHint(l *leaf, field string) string {
	if field != "time" {
		return ""
	}
	if l.physical == format.Int96 {
		return ", or as TIMESTAMP (in Spark: spark.sql.parquet.outputTimestampType=TIMESTAMP_MICROS)"
	}
	return ", or as TIMESTAMP"
}

// timeUnit is the number of nanoseconds of a unit of the column of time, where it
// holds whole numbers; else 0.
func (b *binding) timeUnit(leaves []leaf, digits int) int64 {
	if !b.time.plain || len(b.time.places) != 1 {
		return 0
	}
	p := b.places[b.time.places[0]]
	switch {
	case p.kind == timestamps:
		return leaves[p.leaf].unit
	case p.kind == numbers && digits >= 0 && !leaves[p.leaf].unsigned:
		return [...]int64{0: 1e9, 3: 1e6, 6: 1e3, 9: 1}[digits]
	}
	return 0
}

// times are the earliest and the latest event of a row group, as its statistics
// have it.
func (a *Archive) times(b *binding, leaves []leaf, g *rowGroup) (from, to access.Instant) {
	from, to = access.Beginning, access.End
	unit := b.timeUnit(leaves, a.options.Mapping.TimeDigits())
	if unit == 0 {
		return from, to
	}
	c := &g.chunks[b.places[b.time.places[0]].leaf]
	l := &leaves[b.places[b.time.places[0]].leaf]
	if len(c.min) != 8 || len(c.max) != 8 || l.physical != format.Int64 || c.nulls != 0 || c.values != g.rows {
		return from, to
	}
	least, ok1 := instant(int64(binary.LittleEndian.Uint64(c.min)), unit)
	most, ok2 := instant(int64(binary.LittleEndian.Uint64(c.max)), unit)
	if !ok1 || !ok2 || least > most {
		return from, to
	}
	return least, most
}

// The event times that are accepted, as codec has them: the UTC years 1678 to 2261.
const (
	firstSecond = -9214560000
	endSecond   = 9214646400
)

// instant is the instant of a number of units of so many nanoseconds.
func instant(v, unit int64) (access.Instant, bool) {
	if v < firstSecond*(1e9/unit) || v >= endSecond*(1e9/unit) {
		return 0, false
	}
	return access.Instant(v * unit), true
}
