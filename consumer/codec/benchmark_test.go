package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sunsetwatch/rules/access"
)

// nativeEvents are events of 17 fields and about 440 bytes, of which the native
// format knows twelve; order shuffles the fields of each.
func nativeEvents(n int, shuffle bool) [][]byte {
	rnd := rand.New(rand.NewPCG(42, 42))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	events := make([][]byte, n)
	at := time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC)
	for i := range events {
		at = at.Add(time.Duration(rnd.Int64N(int64(2 * time.Second))))
		scopes := []string{`"messages.read"`, `"friends.list"`, `"profile.birthday"`}[:1+rnd.IntN(3)]
		fields := []string{
			fmt.Sprintf(`"id":"01J%023d"`, rnd.Uint64()),
			fmt.Sprintf(`"time":%q`, at.Format(time.RFC3339Nano)),
			fmt.Sprintf(`"principal":"app-%04d"`, rnd.IntN(150)),
			fmt.Sprintf(`"client_version":"%d.%d.%d"`, rnd.IntN(10), rnd.IntN(30), rnd.IntN(100)),
			fmt.Sprintf(`"feature":%q`, pick("msg.recommend", "instant_personalization", "search.social", "friend_lists")),
			fmt.Sprintf(`"endpoint":"/v2.%d/%s"`, rnd.IntN(10), pick("me/friends", "me/inbox", "threads", "users/batch")),
			fmt.Sprintf(`"operation":%q`, pick("read", "read", "read", "list", "write", "delete")),
			fmt.Sprintf(`"scopes":[%s]`, bytes.Join(bytesOf(scopes), []byte(","))),
			fmt.Sprintf(`"subject":"u%d"`, rnd.IntN(70_000_000)),
			fmt.Sprintf(`"grantor":"u%d"`, rnd.IntN(70_000_000)),
			fmt.Sprintf(`"consent":%q`, pick("granted", "unknown", "absent")),
			fmt.Sprintf(`"outcome":%q`, pick("served", "served", "denied")),
			fmt.Sprintf(`"bytes":%d`, rnd.IntN(200_000)),
			fmt.Sprintf(`"records":%d`, rnd.IntN(500)),
			fmt.Sprintf(`"user_agent":%q`, pick("okhttp/3.14.9", "Mozilla/5.0 (compatible; partner-sync/2.1)", "python-requests/2.20.0")),
			fmt.Sprintf(`"region":%q`, pick("eu-west-1", "us-east-2", "ap-south-1")),
			fmt.Sprintf(`"request_id":"%016x"`, rnd.Uint64()),
		}
		if shuffle {
			rnd.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		}
		events[i] = append(append([]byte("{"), bytes.Join(bytesOf(fields), []byte(","))...), '}')
	}
	return events
}

func bytesOf(texts []string) [][]byte {
	all := make([][]byte, len(texts))
	for i, t := range texts {
		all[i] = []byte(t)
	}
	return all
}

// plainEvent is what a program without this package would decode into.
type plainEvent struct {
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	Principal string    `json:"principal"`
	Feature   string    `json:"feature"`
	Operation string    `json:"operation"`
	Scopes    []string  `json:"scopes"`
	Subject   string    `json:"subject"`
	Grantor   string    `json:"grantor"`
	Consent   string    `json:"consent"`
	Outcome   string    `json:"outcome"`
	Bytes     uint64    `json:"bytes"`
	Records   uint64    `json:"records"`
}

// contender decodes one event and gives its number of records, which the
// contenders are held against each other by.
type contender struct {
	name   string
	decode func(value []byte) uint64
	least  time.Duration
}

func decoderContender(name string, d *Decoder) *contender {
	record := Record{Timestamp: access.End}
	return &contender{name: name, decode: func(value []byte) uint64 {
		record.Value = value
		d.Reset(&record)
		ev, _, _ := d.Next()
		return ev.Records
	}}
}

func processCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// compete runs the contenders in turns over slices of the events, and reports
// the least time an event took each, and how many times as long as the first
// one the others took.
func compete(b *testing.B, events [][]byte, contenders ...*contender) {
	const rounds, slice = 60, 2000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, c := range contenders {
		c.least = math.MaxInt64
	}
	for b.Loop() {
		for round := range rounds {
			part := events[round*slice%len(events):][:slice]
			var want uint64
			for i, c := range contenders {
				var sum uint64
				begin := processCPU()
				for _, value := range part {
					sum += c.decode(value)
				}
				c.least = min(c.least, processCPU()-begin)
				if i == 0 {
					want = sum
				} else if sum != want {
					b.Fatalf("%s reads %d records, %s reads %d", c.name, sum, contenders[0].name, want)
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, c := range contenders {
		b.ReportMetric(float64(c.least.Nanoseconds())/slice, c.name+"-ns/event")
	}
	for _, c := range contenders[1:] {
		b.ReportMetric(float64(contenders[0].least)/float64(c.least), c.name+"-x")
	}
}

// BenchmarkDecode holds both ways of decoding against encoding/json, on events
// in one order, in no order, and with white space. The "-x" metrics are how many
// times as fast as encoding/json.
func BenchmarkDecode(b *testing.B) {
	shapes := []struct {
		name   string
		events [][]byte
	}{
		{"ordered", nativeEvents(20_000, false)},
		{"shuffled", nativeEvents(20_000, true)},
		{"spaced", spaced(nativeEvents(20_000, false))},
	}
	c := compile(b, Mapping{})
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			compete(b, shape.events,
				&contender{name: "encoding_json", decode: func(value []byte) uint64 {
					var ev plainEvent
					if err := json.Unmarshal(value, &ev); err != nil {
						b.Fatal(err)
					}
					return ev.Records
				}},
				decoderContender("strict", c.newDecoder()),
				decoderContender("learned", c.NewDecoder()),
			)
		})
	}
}

// spaced writes events as many programs do, with a space behind commas and
// colons.
func spaced(events [][]byte) [][]byte {
	for i, e := range events {
		e = bytes.ReplaceAll(e, []byte(`,"`), []byte(`, "`))
		events[i] = bytes.ReplaceAll(e, []byte(`":`), []byte(`": `))
	}
	return events
}

// BenchmarkDecoder is one way of decoding alone, for profiles.
func BenchmarkDecoder(b *testing.B) {
	flat := cloudTrail()
	flat.Explode = ""
	native, mapped := compile(b, Mapping{}), compile(b, flat)
	headers := []Header{{[]byte("x-user"), []byte("u1")}}
	trail := [][]byte{[]byte(cloudTrailEvent)}
	for _, way := range []struct {
		name    string
		decoder *Decoder
		events  [][]byte
	}{
		{"strict", native.newDecoder(), nativeEvents(2_000, false)},
		{"learned", native.NewDecoder(), nativeEvents(2_000, false)},
		{"mapped_strict", mapped.newDecoder(), trail},
		{"mapped_learned", mapped.NewDecoder(), trail},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			record, i := Record{Headers: headers, Timestamp: access.End}, 0
			for b.Loop() {
				record.Value = way.events[i%len(way.events)]
				i++
				way.decoder.Reset(&record)
				if _, rej, _ := way.decoder.Next(); rej != nil {
					b.Fatal(rej.Detail)
				}
			}
		})
	}
}
