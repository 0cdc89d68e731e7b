package archive

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// Files that other programs wrote hold the same events as their lines.
func TestOtherWriters(t *testing.T) {
	text, err := os.ReadFile("testdata/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want := naive(t, text, mapping(t, codec.Mapping{}), 0)
	for _, name := range []string{"arrow_v1", "arrow_v2", "arrow_plain", "arrow_fallback", "duckdb_v1", "duckdb_v2"} {
		for _, workers := range []int{1, 2} {
			got := readAll(t, Options{Inputs: []string{"testdata/" + name + ".parquet"}, Workers: workers, IDs: true}, nil)
			if d := differ(got.lines[0], want); d != "" || len(got.damage) > 0 {
				t.Errorf("%s: %s %v", name, d, got.damage)
			}
		}
	}
}

// A table of somebody else's, read by a field map, is as its lines are.
func TestFieldMapOfColumns(t *testing.T) {
	m := mapping(t, codec.Mapping{TimeFormat: "unix_ms", Fields: map[string]codec.Rule{
		"time":      {Path: "eventTime"},
		"principal": {Path: "identity.id | identity.arn"},
		"feature":   {Path: "eventSource"},
		"operation": {Path: "readOnly", Values: map[string]string{"true": "read", "false": "write"}},
		"outcome":   {Path: "errorCode", Present: "denied", Absent: "served"},
		"scopes":    {Path: "scope"},
		"records":   {Path: "n"},
		"bytes":     {Path: "size"},
		"subject":   {Const: "nobody"},
		"consent":   {Const: "granted"},
		"grantor":   {Path: "identity.who"},
	}})
	text, err := os.ReadFile("testdata/other.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want := naive(t, text, m, 0)
	o := Options{Inputs: []string{"testdata/duckdb_other.parquet"}, Mapping: m, IDs: true}
	got := readAll(t, o, nil)
	if d := differ(got.lines[0], want); d != "" || got.counts.Added != 600 {
		t.Errorf("%s %+v", d, got.counts)
	}
	a, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if in := a.Inputs()[0]; in.Rows != 600 || in.Format != "parquet" || !slices.Equal(in.Absent, []string{"grantor"}) {
		t.Errorf("%+v", in)
	}
}

// Any field map gives of rows what it gives of lines.
func TestAnyFieldMap(t *testing.T) {
	all := records(500, 21, true)
	dir := write(t, map[string][]byte{
		"rows":  packParquet(t, all, parquet.MaxRowsPerRowGroup(200), parquet.PageBufferSize(2000)),
		"delta": packParquet(t, deltaRecords(all), parquet.Compression(&parquet.Snappy)),
	})
	text := jsonl(all)
	columns := []string{"principal", "feature", "operation", "id", "scopes", "direction", "subject", "grantor", "consent", "indicator", "outcome", "records", "bytes", "probe", "region", "nowhere"}
	rapid.Check(t, func(rt *rapid.T) {
		column := rapid.SampledFrom(columns)
		fields := map[string]codec.Rule{}
		for _, f := range rapid.SliceOfDistinct(rapid.SampledFrom(columns[:14]), func(s string) string { return s }).Draw(rt, "fields") {
			var r codec.Rule
			switch rapid.IntRange(0, 4).Draw(rt, "rule") {
			case 0:
				r.Path = column.Draw(rt, "path")
			case 1:
				r.Path = column.Draw(rt, "path") + " | " + column.Draw(rt, "other")
			case 2:
				r.Path = column.Draw(rt, "path")
				r.Default = map[string]string{"records": "3", "bytes": "4", "direction": "in", "consent": "absent", "indicator": "hidden", "outcome": "denied", "probe": "enabled"}[f]
				if r.Default == "" {
					r.Default = "read"
				}
				r.Values = map[string]string{"read": r.Default, "u1": "", "scope.1": r.Default, "app-1": r.Default}
			case 3:
				r.Const = map[string]string{"records": "3", "bytes": "4", "direction": "in", "consent": "absent", "indicator": "hidden", "outcome": "denied", "probe": "enabled"}[f]
				if r.Const == "" {
					r.Const = "list"
				}
			case 4:
				r.Path, r.Present = column.Draw(rt, "path"), map[string]string{"records": "3", "bytes": "4", "direction": "in", "consent": "absent", "indicator": "hidden", "outcome": "denied", "probe": "enabled"}[f]
				if r.Present == "" {
					r.Present = "write"
				}
			}
			fields[f] = r
		}
		m, err := codec.Compile(codec.Mapping{Fields: fields})
		if err != nil {
			rt.Skip(err)
		}
		name := rapid.SampledFrom([]string{"rows", "delta"}).Draw(rt, "file")
		o := Options{Inputs: []string{dir + "/" + name}, Mapping: m, IDs: true, Now: someNow, Workers: 2}
		a, err := Open(context.Background(), o)
		if err != nil {
			if s := err.Error(); !strings.Contains(s, "there is no column nowhere") && !strings.Contains(s, "is a list, and") && !strings.Contains(s, "have it read as one") {
				rt.Fatal(err)
			}
			return
		}
		a.Close()
		got := readAll(t, o, nil)
		if d := differ(got.lines[0], naive(t, text, m, someNow)); d != "" {
			rt.Fatalf("%+v: %s", fields, d)
		}
	})
}

// A column that is read for an event and, where another is empty, for a person: only
// with both can it be said what is wrong.
func TestPeopleFromColumnsOfTheEvent(t *testing.T) {
	all := records(600, 22, false)
	for i := range all {
		if i%50 == 0 {
			all[i].Region = strings.Repeat("r", 300)
		}
	}
	m := mapping(t, codec.Mapping{Fields: map[string]codec.Rule{
		"subject":   {Path: "grantor | region"},
		"direction": {Path: "region", Values: map[string]string{"eu": "in"}, Default: "out"},
	}})
	dir := write(t, map[string][]byte{"rows": packParquet(t, all)})
	got := readAll(t, Options{Inputs: []string{dir + "/rows"}, Mapping: m, IDs: true}, nil)
	want := naive(t, jsonl(all), m, 0)
	if d := differ(got.lines[0], want); d != "" || got.counts.Rejected[access.TooLong] == 0 || got.counts.Rejected[access.TooLong] == 12 {
		t.Errorf("%s %+v", d, got.counts)
	}
}

// Times of every kind are exact, and what cannot be a time is rejected.
func TestTimesOfColumns(t *testing.T) {
	type numbers struct {
		Time      int64  `parquet:"time"`
		Principal string `parquet:"principal"`
		Feature   string `parquet:"feature"`
		Operation string `parquet:"operation"`
	}
	type texts struct {
		Time      string `parquet:"time"`
		Principal string `parquet:"principal"`
		Feature   string `parquet:"feature"`
		Operation string `parquet:"operation"`
	}
	type millis struct {
		Time      int64  `parquet:"time,timestamp(millisecond)"`
		Principal string `parquet:"principal"`
		Feature   string `parquet:"feature"`
		Operation string `parquet:"operation"`
	}
	type micros struct {
		Time      *int64 `parquet:"time,optional,timestamp(microsecond)"`
		Principal string `parquet:"principal"`
		Feature   string `parquet:"feature"`
		Operation string `parquet:"operation"`
	}
	at := time.Date(2015, 7, 1, 12, 30, 0, 123_456_789, time.UTC)
	old := time.Date(1900, 1, 1, 0, 0, 0, 1_000_000, time.UTC)
	one := func(v int64) *int64 { return &v }
	for _, test := range []struct {
		name, format string
		file         []byte
		want         string
	}{
		{"millis", "", packParquet(t, []millis{{Time: at.UnixMilli(), Principal: "p", Feature: "f", Operation: "read"}, {Time: old.UnixMilli(), Principal: "p", Feature: "f"}, {1 << 60, "p", "f", "read"}}),
			"2015-07-01T12:30:00.123Z missing_field/operation bad_time/time"},
		{"millis beside a format", "unix", packParquet(t, []millis{{at.UnixMilli(), "p", "f", "read"}, {old.UnixMilli(), "p", "f", "read"}, {1 << 60, "p", "f", "read"}, {0, "", "f", "read"}}),
			"2015-07-01T12:30:00.123Z 1900-01-01T00:00:00.001Z bad_time/time missing_field/principal"},
		{"micros", "", packParquet(t, []micros{{one(at.UnixMicro()), "p", "f", "read"}, {nil, "p", "f", "read"}, {one(-1), "p", "f", "read"}}),
			"2015-07-01T12:30:00.123456Z missing_field/time 1969-12-31T23:59:59.999999Z"},
		{"seconds", "unix", packParquet(t, []numbers{{at.Unix(), "p", "f", "read"}, {1 << 62, "p", "f", "read"}}), "2015-07-01T12:30:00Z bad_time/time"},
		{"milliseconds", "unix_ms", packParquet(t, []numbers{{at.UnixMilli(), "p", "f", "read"}}), "2015-07-01T12:30:00.123Z"},
		{"microseconds", "unix_us", packParquet(t, []numbers{{at.UnixMicro(), "p", "f", "read"}}), "2015-07-01T12:30:00.123456Z"},
		{"nanoseconds", "unix_ns", packParquet(t, []numbers{{at.UnixNano(), "p", "f", "read"}, {-1 << 63, "p", "f", "read"}}), "2015-07-01T12:30:00.123456789Z bad_time/time"},
		{"RFC 3339", "", packParquet(t, []texts{{"2015-07-01T14:30:00.123456789+02:00", "p", "f", "read"}, {"yesterday", "p", "f", "read"}, {"", "p", "f", "read"}}),
			"2015-07-01T12:30:00.123456789Z bad_time/time missing_field/time"},
		{"text of numbers", "unix_ms", packParquet(t, []texts{{"1435753800123.5", "p", "f", "read"}}), "2015-07-01T12:30:00.1235Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"f": test.file})
			got := readAll(t, Options{Inputs: []string{dir + "/f"}, Mapping: mapping(t, codec.Mapping{TimeFormat: test.format})}, nil)
			var words []string
			for _, l := range got.lines[0] {
				if _, rest, ok := strings.Cut(l, `"time":"`); ok {
					l, _, _ = strings.Cut(rest, `"`)
				} else {
					_, l, _ = strings.Cut(l, "rejected ")
					l = strings.ReplaceAll(l, " ", "/")
				}
				words = append(words, l)
			}
			if s := strings.Join(words, " "); s != test.want {
				t.Errorf("got %s, want %s", s, test.want)
			}
		})
	}
}

// A file that cannot be read as events says which column is meant, and what to do.
func TestColumnProblems(t *testing.T) {
	type misspelt struct {
		Time      time.Time `parquet:"time,timestamp(nanosecond)"`
		Principle string    `parquet:"principle"`
		Feature   string    `parquet:"feature"`
		Operation string    `parquet:"operation"`
	}
	type numbers struct {
		Time      int64   `parquet:"time"`
		Principal string  `parquet:"principal"`
		Feature   float64 `parquet:"feature"`
		Operation string  `parquet:"operation"`
		Subject   int64   `parquet:"subject"`
	}
	type groups struct {
		Time      time.Time `parquet:"time,timestamp(nanosecond)"`
		Principal struct{ A, B string }
		Feature   []string `parquet:"feature,list"`
		Operation string   `parquet:"operation"`
	}
	good := packParquet(t, records(10, 1, false))
	for _, test := range []struct {
		name string
		file []byte
		m    codec.Mapping
		want []string
	}{
		{"misspelt", packParquet(t, make([]misspelt, 1)), codec.Mapping{}, []string{`there is no column principal, which principal is read from (did you mean "principle"?)`, "The columns are time, principle, feature, operation"}},
		{"numbers", packParquet(t, make([]numbers, 1)), codec.Mapping{}, []string{"column time is a number, and nothing says of what unit: set events.time_format", "column feature is DOUBLE", "column subject is a number, and subject is a text"}},
		{"groups", packParquet(t, make([]groups, 1)), codec.Mapping{Fields: map[string]codec.Rule{"principal": {Path: "Principal"}}}, []string{"column Principal is a group of columns", "column feature is a list, and feature is one value"}},
		{"brotli", packParquet(t, records(100, 1, false), parquet.Compression(&parquet.Brotli)), codec.Mapping{}, []string{"column time is compressed with BROTLI, which is not read: write it with zstd, snappy, gzip or lz4_raw"}},
		{"explode", good, codec.Mapping{Explode: "Records"}, []string{"events.explode does not go with it"}},
		{"header", good, codec.Mapping{Fields: map[string]codec.Rule{"principal": {Path: "header:x"}}}, []string{"principal is read from a header or key, which files do not have"}},
		{"cut off", good[:len(good)-1], codec.Mapping{}, []string{"it is cut off"}},
		{"half", good[:len(good)/2], codec.Mapping{}, []string{"it is cut off"}},
		{"encrypted", []byte("PARE0000PARE"), codec.Mapping{}, []string{"it is an encrypted Parquet file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"f": test.file})
			_, err := Open(context.Background(), Options{Inputs: []string{dir + "/f"}, Mapping: mapping(t, test.m)})
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), dir+"/f: ") || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
	_, err := Open(context.Background(), Options{Inputs: []string{"testdata/no_zone.parquet"}, Mapping: mapping(t, codec.Mapping{})})
	if err == nil || !strings.Contains(err.Error(), "does not say its zone (isAdjustedToUTC=false)") {
		t.Error(err)
	}
	if err != nil && strings.Contains(err.Error(), "there is no column time") {
		t.Errorf("a column that is there, and cannot be read, is said to be missing: %v", err)
	}

	// Each problem is told in a line of its own, with the file.
	path := write(t, map[string][]byte{"bad.parquet": packParquet(t, make([]struct{ Other string }, 1))}) + "/bad.parquet"
	_, err = Open(context.Background(), Options{Inputs: []string{path}, Mapping: mapping(t, codec.Mapping{})})
	if err == nil || strings.Count(err.Error(), "\n")+1 != strings.Count(err.Error(), path+": there is no column ") {
		t.Error(err)
	}
}

// Row groups outside the range are counted without being read.
func TestRange(t *testing.T) {
	all := records(1000, 4, false)
	from, to := access.At(all[300].Time), access.At(all[700].Time)
	inside := 0
	for i := range all {
		if at := access.At(all[i].Time); at >= from && at < to {
			inside++
		}
	}
	file := packParquet(t, all, parquet.MaxRowsPerRowGroup(100))
	dir := write(t, map[string][]byte{"rows": file, "lines": jsonl(all)})
	for _, name := range []string{"rows", "lines"} {
		got := readAll(t, Options{Inputs: []string{dir + "/" + name}, From: from, To: to}, nil)
		if got.counts.Added != uint64(inside) || got.counts.OutOfRange != uint64(1000-inside) || got.counts.Events != 1000 {
			t.Errorf("%s: %+v, want %d inside", name, got.counts, inside)
		}
	}
	// What is not read may be damaged.
	copy(file[4:], make([]byte, 1000))
	dir = write(t, map[string][]byte{"rows": file})
	if got := readAll(t, Options{Inputs: []string{dir + "/rows"}, From: from, To: to}, nil); got.counts.Added != uint64(inside) || got.damage != nil {
		t.Errorf("%+v %v", got.counts, got.damage)
	}
	got := readAll(t, Options{Inputs: []string{dir + "/rows"}}, nil)
	if len(got.damage) != 1 || got.counts.Events < 900 {
		t.Fatalf("%d events, %v", got.counts.Events, got.damage)
	}
	if text := got.damage[0].Error(); !strings.Contains(text, "/rows is damaged in the row group at byte 4: the rest of that row group was not read (") {
		t.Error(text)
	}
}

// rowTold takes batches and tells them as events are told.
type rowTold struct {
	told
	people bool
}

func (s *rowTold) AddRows(r *Rows) error {
	which := make([]int32, len(r.Row))
	for i := range which {
		which[i] = int32(i)
	}
	var subjects, grantors, ids [][]byte
	if s.people {
		kept, err := r.t.detail(which, true, true)
		if err != nil {
			return err
		}
		which, subjects, grantors, ids = kept, r.t.details.subjects, r.t.details.grantors, r.t.details.ids
	}
	for k, i := range which {
		var ev access.Event
		r.Event(&ev, int(i))
		if s.people {
			ev.Subject, ev.Grantor, ev.ID = subjects[k], grantors[k], ids[k]
		}
		s.Add(&ev, r.Position(int(i)))
	}
	return nil
}

// Batches say what events say, also when much is forgotten in between.
func TestRowsSayWhatEventsSay(t *testing.T) {
	all := records(5000, 30, true)
	for i := range all { // more names than are remembered
		if i%3 == 0 {
			all[i].Principal = fmt.Sprint("many-", i)
			all[i].Scopes = append(all[i].Scopes, fmt.Sprint("s", i))
		}
	}
	want := naive(t, jsonl(all), mapping(t, codec.Mapping{}), someNow)
	for name, file := range map[string][]byte{
		"small pages": packParquet(t, all, parquet.PageBufferSize(700), parquet.MaxRowsPerRowGroup(3000)),
		"large pages": packParquet(t, deltaRecords(all)),
	} {
		dir := write(t, map[string][]byte{"rows": file})
		for _, most := range []int{1 << 16, 50} {
			a, err := Open(context.Background(), Options{Inputs: []string{dir + "/rows"}, Mapping: mapping(t, codec.Mapping{}), Now: someNow, IDs: true})
			if err != nil {
				t.Fatal(err)
			}
			a.limits.names, a.limits.shapes = most, 10*most
			s := &rowTold{people: true}
			for _, p := range a.Parts() {
				if _, err := a.Read(context.Background(), p, s); err != nil {
					t.Fatal(err)
				}
			}
			a.Close()
			slices.Sort(s.lines)
			if d := differ(s.lines, want); d != "" {
				t.Errorf("%s, %d names: %s", name, most, d)
			}
		}
	}
}

// Columns of people are read for those who ask, and for nobody else.
func TestPeopleOnDemand(t *testing.T) {
	all := records(1000, 40, false)
	dir := write(t, map[string][]byte{"rows": packParquet(t, all, parquet.MaxRowsPerRowGroup(100))})
	middle := access.At(all[500].Time)
	late := func(_, last access.Instant) bool { return last >= middle }
	got := readAll(t, Options{Inputs: []string{dir + "/rows"}, People: late}, nil)
	with, without := 0, 0
	for i, l := range got.lines[0] {
		has := strings.Contains(l, `"subject":`)
		if has {
			with++
		} else if i >= 500 && all[i].Subject == nil {
			without++
		}
		if i < 400 && has {
			t.Fatalf("line %d has people: %s", i, l)
		}
	}
	if with < 250 || without == 0 {
		t.Errorf("%d with people, %d without", with, without)
	}

	// A damaged page of people harms only those who ask for it.
	type pair struct {
		Time      time.Time `parquet:"time,timestamp(nanosecond)"`
		Principal string    `parquet:"principal"`
		Feature   string    `parquet:"feature"`
		Operation string    `parquet:"operation"`
		Subject   string    `parquet:"subject"`
	}
	file := packParquet(t, []pair{{time.Unix(0, 0), "p", "f", "read", "SOMEBODY"}})
	at := strings.Index(string(file), "SOMEBODY")
	file[at-3] ^= 1 // the text is longer than the page
	dir = write(t, map[string][]byte{"rows": file})
	if got := readAll(t, Options{Inputs: []string{dir + "/rows"}, People: func(_, _ access.Instant) bool { return false }}, nil); got.counts.Added != 1 || got.damage != nil {
		t.Errorf("%+v %v", got.counts, got.damage)
	}
	if got := readAll(t, Options{Inputs: []string{dir + "/rows"}}, nil); len(got.damage) != 1 || !strings.Contains(got.damage[0].Error(), "column subject") {
		t.Errorf("%+v %v", got.counts, got.damage)
	}
}
