package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// world is a made-up platform with its partners, and the accesses of them that
// a topic holds. The same world gives the same events.
type world struct {
	Seed     uint64
	Events   int
	Partners int
	Features int
	Pairs    int // registrations, about
	People   int
	PerPair  int // people that a pair ever touches; 0: any of People, a few of them often
	Start    time.Time
	Span     time.Duration
	Late     time.Duration // events are out of order by up to this
	Ended    float64       // part of the registrations that have a sunset within the span
	Fewer    float64       // part of its accesses that a pair goes on making after its sunset
	Even     bool          // all pairs and operations have equally many accesses
	Plain    bool          // nothing is denied, and nobody is unknown
}

// nineYears is the shape that catching up is measured with: years of history,
// so thin that nearly every event is the first of its cell and day.
func nineYears(events int) world {
	return world{
		Seed: 42, Events: events, Partners: 150, Features: 24, Pairs: 970, People: 70_000_000,
		Start: time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), Span: 9 * 365 * 24 * time.Hour, Late: 5 * time.Minute,
		Ended: 0.3, Fewer: 0.55,
	}
}

// answer is what is to be found in a world, counted one event at a time.
type answer struct {
	Events  uint64 // all
	Wrong   uint64 // served outside of what is registered
	Records uint64 // of the wrong ones
	Denied  uint64
	Bytes   uint64 // of all values
}

// registered is a pair of the world.
type registered struct {
	partner, feature int
	sunset           time.Time // zero: none
	scopes           [4]string // JSON, by operation
	people           uint64    // the first of those it touches
}

// plan is the world before its events.
type plan struct {
	world
	rnd   *rand.Rand
	pairs [][]registered // by partner
}

func (w world) plan() *plan {
	p := &plan{world: w, rnd: rand.New(rand.NewPCG(w.Seed, w.Seed)), pairs: make([][]registered, w.Partners)}
	chance := float64(w.Pairs) / float64(w.Partners*w.Features)
	for partner := range w.Partners {
		for feature := range w.Features {
			if p.rnd.Float64() >= chance && (feature < w.Features-1 || len(p.pairs[partner]) > 0) {
				continue
			}
			r := registered{partner: partner, feature: feature}
			if p.rnd.Float64() < w.Ended {
				r.sunset = w.Start.Add(time.Duration(p.rnd.Int64N(int64(w.Span)))).Truncate(time.Hour)
			}
			for op := range r.scopes {
				var names []string
				for _, n := range p.rnd.Perm(6)[:1+p.rnd.IntN(3)] {
					names = append(names, fmt.Sprintf(`"f%02d.scope%d"`, feature, n))
				}
				r.scopes[op] = strings.Join(names, ",")
			}
			if w.PerPair > 0 {
				r.people = p.rnd.Uint64N(uint64(w.People - w.PerPair))
			}
			p.pairs[partner] = append(p.pairs[partner], r)
		}
	}
	return p
}

// registrations is the file of what is registered.
func (p *plan) registrations() string {
	var b strings.Builder
	b.WriteString("version: 1\npartners:\n")
	for i := range p.Partners {
		fmt.Fprintf(&b, "  - {name: partner-%03d, owner: partner-%03d@example.com, team: partner-platform, principals: [app-%03d]}\n", i, i, i)
	}
	b.WriteString("registrations:\n")
	for _, pairs := range p.pairs {
		for _, r := range pairs {
			window := ""
			if !r.sunset.IsZero() {
				window = ", sunset: " + r.sunset.Format(time.RFC3339) + ", grace: 30d"
			}
			fmt.Fprintf(&b, "  - {partner: partner-%03d, feature: feature_%02d, from: 2005-01-01T00:00:00Z%s}\n", r.partner, r.feature, window)
		}
	}
	return b.String()
}

var (
	operations = []string{"read", "list", "write", "delete"}
	agents     = []string{"okhttp/3.14.9", "Mozilla/5.0 (compatible; partner-sync/2.1)", "python-requests/2.20.0", "curl/7.61.0"}
	regions    = []string{"eu-west-1", "us-east-2", "ap-south-1"}
)

// events yields the values of all records in the order of the log, each valid
// until the next, and returns what is in them.
func (p *plan) events(yield func(value []byte)) answer {
	partners := rand.NewZipf(p.rnd, 1.2, 1, uint64(p.Partners-1))
	people := rand.NewZipf(p.rnd, 1.05, 1, uint64(p.People-1))
	var a answer
	var b []byte
	step := p.Span / time.Duration(p.Events)
	var flat []registered
	for _, pairs := range p.pairs {
		flat = append(flat, pairs...)
	}
	for i := range p.Events {
		at := p.Start.Add(time.Duration(i) * step)
		if p.Late > 0 {
			at = at.Add(-time.Duration(p.rnd.Int64N(int64(p.Late))))
		}
		var r registered
		wrong := false
		for {
			if p.Even {
				r = flat[p.rnd.IntN(len(flat))]
			} else {
				pairs := p.pairs[partners.Uint64()]
				r = pairs[p.rnd.IntN(len(pairs))]
			}
			wrong = !r.sunset.IsZero() && !at.Before(r.sunset)
			if !wrong || p.rnd.Float64() < p.Fewer {
				break
			}
		}
		op := 0
		switch n := p.rnd.IntN(100); {
		case p.Even:
			op = n % 4
		case n >= 97:
			op = 3
		case n >= 88:
			op = 2
		case n >= 70:
			op = 1
		}
		principal := "app-"
		if p.rnd.IntN(1400) == 0 && !p.Plain {
			principal, wrong = "ghost-", true // belongs to nobody
		}
		subject := people.Uint64()
		if p.PerPair > 0 {
			subject = r.people + p.rnd.Uint64N(uint64(p.PerPair))
		}
		grantor := subject
		if p.rnd.IntN(3) == 0 {
			grantor = subject + 1 + p.rnd.Uint64N(7)
		}
		records := p.rnd.Uint64N(50)
		denied := p.rnd.IntN(50) == 0 && !p.Plain

		b = append(b[:0], `{"id":"01J`...)
		b = digits(b, uint64(i), 23)
		b = append(b, `","time":"`...)
		b = at.AppendFormat(b, "2006-01-02T15:04:05.999999Z07:00")
		b = append(b, `","principal":"`...)
		b = append(b, principal...)
		b = digits(b, uint64(r.partner), 3)
		b = append(b, `","app_version":"4.`...)
		b = strconv.AppendUint(b, p.rnd.Uint64N(30), 10)
		b = append(b, `.1","feature":"feature_`...)
		b = digits(b, uint64(r.feature), 2)
		b = append(b, `","endpoint":"/v2.`...)
		b = strconv.AppendUint(b, uint64(r.feature%10), 10)
		b = append(b, `/me/threads/messages","operation":"`...)
		b = append(b, operations[op]...)
		b = append(b, `","scopes":[`...)
		b = append(b, r.scopes[op]...)
		b = append(b, `],"subject":"u`...)
		b = digits(b, subject, 9)
		b = append(b, `","grantor":"u`...)
		b = digits(b, grantor, 9)
		b = append(b, `","consent_id":"c-`...)
		b = strconv.AppendUint(b, p.rnd.Uint64()>>24, 16)
		b = append(b, `","outcome":"`...)
		if denied {
			b = append(b, "denied"...)
		} else {
			b = append(b, "served"...)
		}
		b = append(b, `","bytes":`...)
		b = strconv.AppendUint(b, p.rnd.Uint64N(200_000), 10)
		b = append(b, `,"records":`...)
		b = strconv.AppendUint(b, records, 10)
		b = append(b, `,"user_agent":"`...)
		b = append(b, agents[(r.partner+r.feature)%len(agents)]...)
		b = append(b, `","region":"`...)
		b = append(b, regions[p.rnd.IntN(len(regions))]...)
		b = append(b, `","request_id":"`...)
		b = strconv.AppendUint(b, p.rnd.Uint64(), 16)
		b = append(b, `"}`...)
		yield(b)

		a.Events++
		a.Bytes += uint64(len(b))
		switch {
		case denied:
			a.Denied++
		case wrong:
			a.Wrong++
			a.Records += records
		}
	}
	return a
}

// digits appends n with at least width digits.
func digits(b []byte, n uint64, width int) []byte {
	for limit := uint64(10); width > 1; width-- {
		if n < limit {
			b = append(b, '0')
		}
		if limit *= 10; limit > 1e18 {
			limit = 1 << 63
		}
	}
	return strconv.AppendUint(b, n, 10)
}
