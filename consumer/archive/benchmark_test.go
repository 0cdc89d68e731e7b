package archive

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"golang.org/x/sys/unix"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

// usual is an event of 17 fields, of which the event format knows twelve.
type usual struct {
	ID        string    `parquet:"id"`
	Time      time.Time `parquet:"time,timestamp(nanosecond)"`
	Principal string    `parquet:"principal,dict"`
	Version   string    `parquet:"client_version,dict"`
	Feature   string    `parquet:"feature,dict"`
	Endpoint  string    `parquet:"endpoint,dict"`
	Operation string    `parquet:"operation,dict"`
	Scopes    []string  `parquet:"scopes,list,dict"`
	Subject   string    `parquet:"subject"`
	Grantor   *string   `parquet:"grantor,optional"`
	Consent   string    `parquet:"consent,dict"`
	Outcome   string    `parquet:"outcome,dict"`
	Bytes     int64     `parquet:"bytes"`
	Records   int64     `parquet:"records"`
	Agent     string    `parquet:"user_agent,dict"`
	Region    string    `parquet:"region,dict"`
	Request   string    `parquet:"request_id"`
}

func usuals(n int) []usual {
	rnd := rand.New(rand.NewPCG(42, 42))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	at := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	type pair struct{ principal, feature string }
	var pairs []pair
	for range 970 {
		pairs = append(pairs, pair{fmt.Sprintf("app-%04d", rnd.IntN(150)), fmt.Sprintf("feature.%02d", rnd.IntN(24))})
	}
	zipf := rand.NewZipf(rnd, 1.2, 4, uint64(len(pairs)-1))
	scopes := []string{"messages.read", "friends.list", "profile.birthday", "email"}
	mostly := func(usually string, others ...string) string {
		if rnd.IntN(20) > 0 {
			return usually
		}
		return pick(others...)
	}
	all := make([]usual, n)
	for i := range all {
		at = at.Add(time.Duration(rnd.Int64N(int64(2 * time.Second))))
		pair := pairs[zipf.Uint64()]
		from := int(pair.feature[len(pair.feature)-1]) % 3
		r := usual{ID: fmt.Sprintf("01J%023d", rnd.Uint64()), Time: at, Principal: pair.principal,
			Version: fmt.Sprintf("%d.%d.%d", rnd.IntN(10), rnd.IntN(30), rnd.IntN(100)), Feature: pair.feature,
			Endpoint: "/v2." + pick("1", "2", "3") + "/" + pick("me/friends", "me/inbox", "threads"), Operation: mostly("read", "list", "write", "delete"),
			Scopes: scopes[from : from+1+rnd.IntN(2)], Subject: fmt.Sprintf("u%d", rnd.IntN(70_000_000)), Consent: mostly("granted", "unknown", "absent"),
			Outcome: mostly("served", "denied", "error"), Bytes: rnd.Int64N(200_000), Records: rnd.Int64N(500),
			Agent: pick("okhttp/3.14.9", "Mozilla/5.0 (compatible; partner-sync/2.1)", "python-requests/2.20.0"), Region: pick("eu-west-1", "us-east-2", "ap-south-1"),
			Request: fmt.Sprintf("%016x", rnd.Uint64())}
		if rnd.IntN(3) == 0 {
			g := fmt.Sprintf("u%d", rnd.IntN(70_000_000))
			r.Grantor = &g
		}
		all[i] = r
	}
	return all
}

func (r *usual) line() []byte {
	b := fmt.Appendf(nil, `{"id":%q,"time":%q,"principal":%q,"client_version":%q,"feature":%q,"endpoint":%q,"operation":%q,"scopes":[`,
		r.ID, r.Time.Format(time.RFC3339Nano), r.Principal, r.Version, r.Feature, r.Endpoint, r.Operation)
	for i, s := range r.Scopes {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%q", s)
	}
	b = fmt.Appendf(b, `],"subject":%q,`, r.Subject)
	if r.Grantor != nil {
		b = fmt.Appendf(b, `"grantor":%q,`, *r.Grantor)
	}
	return fmt.Appendf(b, `"consent":%q,"outcome":%q,"bytes":%d,"records":%d,"user_agent":%q,"region":%q,"request_id":%q}`,
		r.Consent, r.Outcome, r.Bytes, r.Records, r.Agent, r.Region, r.Request)
}

// tally counts what it is given, so that nothing is left out.
type tally struct{ events, records, people uint64 }

func (s *tally) Add(ev *access.Event, _ access.Position) {
	s.events++
	s.records += ev.Records
	s.people += uint64(len(ev.Subject))
}
func (s *tally) Reject(*codec.Rejection, access.Position) {}

// rowTally does the same with batches.
type rowTally struct {
	tally
	wantPeople bool
}

func (s *rowTally) AddRows(r *Rows) error {
	if s.wantPeople {
		every := make([]int32, len(r.Row))
		for i := range every {
			every[i] = int32(i)
		}
		_, subjects, _, err := r.People(every)
		if err != nil {
			return err
		}
		for _, p := range subjects {
			s.people += uint64(len(p))
		}
	}
	s.events += uint64(len(r.Row))
	var ev access.Event
	for i := range r.Row {
		r.Event(&ev, i)
		s.records += ev.Records
	}
	return nil
}

// processorTime is what this process has used, which other processes do not change.
func processorTime(b *testing.B) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return t.Nano()
}

// BenchmarkFormats prints what reading an event of each format costs.
func BenchmarkFormats(b *testing.B) {
	const n = 200_000
	all := usuals(n)
	var text []byte
	for i := range all {
		text = append(append(text, all[i].line()...), '\n')
	}
	dir := write(b, map[string][]byte{
		"plain":    text,
		"gzip":     packGzip(b, text, 8<<20),
		"zstd256k": packZstd(b, text, 256<<10),
		"zstd4m":   packZstd(b, text, 4<<20),
		"zstdone":  packZstd(b, text, len(text), zstd.WithEncoderLevel(zstd.SpeedDefault)),
		"parquet":  packParquet(b, all, parquet.MaxRowsPerRowGroup(100_000), parquet.Compression(&parquet.Zstd)),
		"snappy":   packParquet(b, all, parquet.MaxRowsPerRowGroup(100_000), parquet.Compression(&parquet.Snappy)),
	})
	m := mapping(b, codec.Mapping{})
	run := func(name, file string, o Options, sink func() Sink) {
		b.Run(name, func(b *testing.B) {
			o.Inputs, o.Mapping = []string{dir + "/" + file}, m
			b.ReportAllocs()
			least := int64(math.MaxInt64)
			var a *Archive
			for b.Loop() {
				begin := processorTime(b)
				if a == nil || a.inputs[0].encoding != columns { // what was learned of rows stays for the next round
					var err error
					if a, err = Open(context.Background(), o); err != nil {
						b.Fatal(err)
					}
				}
				var sum Counts
				for _, p := range a.Parts() {
					c, err := a.Read(context.Background(), p, sink())
					if err != nil {
						b.Fatal(err)
					}
					sum.Add(&c)
				}
				if sum.Added != n {
					b.Fatalf("%+v", sum)
				}
				a.handles.close()
				least = min(least, processorTime(b)-begin)
			}
			b.ReportMetric(float64(least)/n, "least-cpu-ns/event")
		})
	}
	nobody := func(_, _ access.Instant) bool { return false }
	one := func() Sink { return &tally{} }
	for _, f := range []string{"plain", "gzip", "zstd256k", "zstd4m", "zstdone"} {
		run(f, f, Options{}, one)
	}
	run("plain/counted", "plain", Options{Workers: 2}, one)
	for _, f := range []string{"parquet", "snappy"} {
		run(f+"/events/people+ids", f, Options{IDs: true}, one)
		run(f+"/events/people", f, Options{}, one)
		run(f+"/events", f, Options{People: nobody}, one)
		run(f+"/rows/people", f, Options{}, func() Sink { return &rowTally{wantPeople: true} })
		run(f+"/rows", f, Options{}, func() Sink { return &rowTally{} })
	}
}
