package main

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// event is one access, as it lies in a table.
type event struct {
	ID         string    `parquet:"id"`
	Time       time.Time `parquet:"time,timestamp(nanosecond)"`
	Principal  string    `parquet:"principal,dict"`
	AppVersion string    `parquet:"app_version,dict"`
	Feature    string    `parquet:"feature,dict"`
	Endpoint   string    `parquet:"endpoint,dict"`
	Operation  string    `parquet:"operation,dict"`
	Scopes     []string  `parquet:"scopes,list,dict"`
	Subject    string    `parquet:"subject"`
	Grantor    string    `parquet:"grantor"`
	ConsentID  string    `parquet:"consent_id"`
	Outcome    string    `parquet:"outcome,dict"`
	Bytes      int64     `parquet:"bytes"`
	Records    int64     `parquet:"records"`
	UserAgent  string    `parquet:"user_agent,dict"`
	Region     string    `parquet:"region,dict"`
	RequestID  string    `parquet:"request_id"`

	pair int      // -1: the principal belongs to nobody
	set  scopeSet // that of Scopes
}

var (
	agents  = []string{"okhttp/3.14.9", "Mozilla/5.0 (compatible; partner-sync/2.1)", "python-requests/2.20.0", "curl/7.61.0"}
	regions = []string{"eu-west-1", "us-east-2", "ap-south-1"}
)

// events yields n of them in the order of the log, each valid until the next.
func (w *world) events(n int, yield func(*event) error) error {
	rnd := w.rnd
	partner := rand.NewZipf(rnd, 1.2, 1, partners-1)
	person := rand.NewZipf(rnd, 1.05, 1, people-1)
	step := span / time.Duration(n)
	var e event
	for i := range n {
		e.Time = start.Add(time.Duration(i+1)*step - time.Duration(rnd.Int64N(int64(late))))
		var p *pair
		for {
			of := w.of[partner.Uint64()]
			e.pair = of[rnd.IntN(len(of))]
			p = &w.pairs[e.pair]
			if !p.over(e.Time) || rnd.Float64() < goOn {
				break
			}
		}
		e.ID = "01" + base32(rnd.Uint64(), 12) + base32(rnd.Uint64(), 12)
		e.Principal = p.principal()
		if rnd.IntN(ghosts) == 0 {
			e.Principal, e.pair = "ghost-"+e.Principal[len("app-"):], -1
		}
		e.AppVersion = "4." + strconv.Itoa(rnd.IntN(30)) + ".1"
		e.Feature = p.featureName()
		e.Endpoint = "/v2." + strconv.Itoa(p.feature%10) + "/me/threads/messages"
		switch n := rnd.IntN(100); {
		case n >= 97:
			e.Operation = "delete"
		case n >= 88:
			e.Operation = "write"
		case n >= 70:
			e.Operation = "list"
		default:
			e.Operation = "read"
		}
		sets := w.scopes[p.feature]
		e.set = sets[rnd.IntN(len(sets))]
		e.Scopes = e.set.names
		subject := person.Uint64()
		e.Subject = "u" + digits(subject, 9)
		e.Grantor = e.Subject
		if rnd.IntN(3) == 0 {
			e.Grantor = "u" + digits(subject+1+rnd.Uint64N(7), 9)
		}
		e.ConsentID = "c-" + strconv.FormatUint(rnd.Uint64()>>24, 16)
		e.Outcome = "served"
		if rnd.IntN(denied) == 0 {
			e.Outcome = "denied"
		}
		e.Bytes, e.Records = rnd.Int64N(200_000), rnd.Int64N(50)
		e.UserAgent = agents[(p.partner+p.feature)%len(agents)]
		e.Region = regions[rnd.IntN(len(regions))]
		e.RequestID = strconv.FormatUint(rnd.Uint64(), 16)
		if err := yield(&e); err != nil {
			return err
		}
	}
	return nil
}

// appendLine appends the event as a line of JSON.
func (e *event) appendLine(b []byte) []byte {
	text := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":"`...)
		b = append(b, value...)
		b = append(b, '"')
	}
	number := func(name string, value int64) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, value, 10)
	}
	b = append(b, `{"id":"`...)
	b = append(b, e.ID...)
	b = append(b, `","time":"`...)
	b = e.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	text("principal", e.Principal)
	text("app_version", e.AppVersion)
	text("feature", e.Feature)
	text("endpoint", e.Endpoint)
	text("operation", e.Operation)
	b = append(b, `,"scopes":[`...)
	b = append(b, e.set.json...)
	b = append(b, ']')
	text("subject", e.Subject)
	text("grantor", e.Grantor)
	text("consent_id", e.ConsentID)
	text("outcome", e.Outcome)
	number("bytes", e.Bytes)
	number("records", e.Records)
	text("user_agent", e.UserAgent)
	text("region", e.Region)
	text("request_id", e.RequestID)
	return append(b, "}\n"...)
}

// base32 is n in so many characters of Crockford's alphabet.
func base32(n uint64, width int) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := make([]byte, width)
	for i := range b {
		b[i] = alphabet[n&31]
		n >>= 5
	}
	return string(b)
}

// digits is n with at least so many digits.
func digits(n uint64, width int) string {
	s := strconv.FormatUint(n, 10)
	for len(s) < width {
		s = "0" + s
	}
	return s
}
