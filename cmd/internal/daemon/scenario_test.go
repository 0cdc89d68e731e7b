package daemon

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sunsetwatch/rules"
	"sunsetwatch/rules/access"
)

// want is what a scenario expects of one finding. Zero numbers are expected too.
type want struct {
	query                string
	severity             rules.Severity
	events, after, days  uint64
	attempts             uint64
	people, grantors     uint64
	third                uint64
	first, last, program string
	approximately        bool // people and grantors within 2 %
}

func (r *running) expect(w want) *rules.Finding {
	r.t.Helper()
	f := r.finding(w.query)
	check := func(field string, got, want any) {
		r.t.Helper()
		if got != want {
			r.t.Errorf("%s: %s is %v, want %v", w.query, field, got, want)
		}
	}
	about := func(field string, got, want uint64, exact bool) {
		r.t.Helper()
		if exact == w.approximately {
			r.t.Errorf("%s: %s exact: %v", w.query, field, exact)
		}
		if w.approximately && got >= want-want/50 && got <= want+want/50 {
			return
		}
		check(field, got, want)
	}
	check("severity", f.Severity, w.severity)
	check("events", f.Events, w.events)
	if f.EventsAfterGrace == nil {
		check("events_after_grace", 0, w.after)
	} else {
		check("events_after_grace", *f.EventsAfterGrace, w.after)
	}
	check("days", f.Days, w.days)
	check("attempts", f.Attempts, w.attempts)
	about("people", f.People, w.people, f.PeopleExact)
	about("grantors", f.Grantors, w.grantors, f.GrantorsExact)
	check("third_party_events", f.ThirdPartyEvents, w.third)
	check("first event", f.FirstEvent.Time.String(), w.first)
	check("last event", f.LastEvent.Time.String(), w.last)
	check("program", f.Program, w.program)
	if f.Bounds != nil {
		r.t.Errorf("%s: bounds are %+v, want every number exact", w.query, f.Bounds)
	}
	return f
}

const s1 = `version: 1
partners:
  - {name: netflix, owner: partnerships@example.com, team: partner-platform, principals: [app-netflix-web]}
  - {name: spotify, owner: partnerships@example.com, team: partner-platform, principals: [app-spotify]}
registrations:
  - partner: netflix
    feature: msg.recommend
    revisions:
      - {from: 2014-06-01T00:00:00Z, operations: [write], SUNSET}
      LATER
  - {partner: spotify, feature: msg.share, from: 2011-01-01T00:00:00Z}
`

func s1Registrations(sunset, later string) string {
	return strings.NewReplacer(", SUNSET", sunset, "LATER", later).Replace(s1)
}

// netflix are the accesses of S1 from one day to another, numbered from the
// beginning of the story.
func netflix(first, last string) []event {
	skipped := int(day(first).Sub(day("2014-06-01")).Hours()/24) * 4
	return daily(4, first, last, func(i int) event {
		return event{Principal: "app-netflix-web", Feature: "msg.recommend", Operation: "read", Scopes: []string{"messages.read"},
			Subject: fmt.Sprintf("u%d", (skipped+i)%500+1)}
	})
}

func lawful(first, last string) []event {
	return daily(1, first, last, func(i int) event {
		return event{Principal: "app-spotify", Feature: "msg.share", Operation: "write", Subject: fmt.Sprintf("u%d", i%500+1)}
	})
}

func TestS1(t *testing.T) {
	w := newWorld(t, 4, s1Registrations(", sunset: 2015-07-01T00:00:00Z, grace: 30d", ""))
	r := w.run("state")
	events := netflix("2014-06-01", "2017-03-31")
	events = append(events, daily(3, "2017-04-03", "2017-04-03", func(i int) event {
		return event{Principal: "app-netflix-web", Feature: "msg.recommend", Operation: "read", Scopes: []string{"messages.read"}, Subject: "u1", Outcome: "denied"}
	})...)
	events = append(events, lawful("2017-01-01", "2017-06-30")...)
	w.produce(events...)
	r.counted(len(events))
	r.expect(want{query: "kind=access_after_sunset", severity: rules.Critical, events: 2560, after: 2440, days: 640, attempts: 3, people: 500, grantors: 500,
		first: "2015-07-01T00:00:00Z", last: "2017-03-31T18:00:00Z"})
	over := r.finding("kind=operation_overreach")
	if n := len(r.findings("")); n != 2 || over.Events != 1580 || over.Severity != rules.Warning {
		t.Errorf("%d findings, want 2; overreach %+v", n, over)
	}
	body, _ := r.get("/metrics")
	for _, line := range []string{
		`sunsetwatch_finding_open{detail="",feature="msg.recommend",kind="access_after_sunset",partner="netflix",program="",severity="critical",team="partner-platform"} 1`,
		`sunsetwatch_finding_open{detail="",feature="msg.share",kind="access_after_sunset",partner="spotify",program="",severity="warning",team="partner-platform"} 0`,
		`sunsetwatch_finding_events{detail="",feature="msg.recommend",kind="access_after_sunset",partner="netflix"} 2560`,
		`sunsetwatch_finding_people{detail="",feature="msg.recommend",kind="access_after_sunset",partner="netflix"} 500`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
}

// The sunset is written down late: a reload after the events up to 2016-01-14
// finds them in the ledger.
func TestS2(t *testing.T) {
	w := newWorld(t, 4, s1Registrations("", ""))
	r := w.run("state")
	events := append(netflix("2014-06-01", "2016-01-14"), lawful("2016-01-01", "2016-01-14")...)
	w.produce(events...)
	r.counted(len(events))
	if n := len(r.findings("kind=access_after_sunset")); n != 0 {
		t.Fatalf("%d findings before the sunset was written down, want none", n)
	}
	w.register(s1Registrations("", `- {recorded: 2016-01-15T00:00:00Z, by: audit, reason: the feature was shut down, sunset: 2015-07-01T00:00:00Z, grace: 30d}`))
	resp, err := http.Post(r.url+"/-/reload", "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("reload: %v, %v", resp, err)
	}
	resp.Body.Close()
	r.expect(want{query: "kind=access_after_sunset", severity: rules.Critical, events: 792, after: 672, days: 198, people: 500, grantors: 500,
		first: "2015-07-01T00:00:00Z", last: "2016-01-14T18:00:00Z"})

	// A restart keeps it, with its opening.
	opened := r.finding("kind=access_after_sunset").OpenedAt
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r = w.run("state")
	if f := r.finding("kind=access_after_sunset"); f.OpenedAt != opened || f.Events != 792 || len(f.History) != 1 {
		t.Errorf("after a restart the finding is %+v", f)
	}
}

func TestS6(t *testing.T) {
	partners := []struct{ name, feature, last string }{
		{"bing", "search.social", "2017-06-30"}, {"pandora", "radio.social", "2018-08-31"}, {"rotten-tomatoes", "reviews.social", "2018-08-31"},
	}
	yaml := "version: 1\nprograms:\n  - {name: instant_personalization, revisions: [{recorded: 2014-12-01T00:00:00Z, by: policy, reason: discontinued, sunset: 2014-12-31T00:00:00Z}]}\npartners:\n  - {name: spotify, owner: o@example.com, team: search, principals: [app-spotify]}\n"
	registered := "registrations:\n  - {partner: spotify, feature: msg.share}\n"
	var events []event
	for _, p := range partners {
		yaml += fmt.Sprintf("  - {name: %s, owner: o@example.com, team: search, principals: [app-%s]}\n", p.name, p.name)
		registered += fmt.Sprintf("  - {partner: %s, feature: %s, program: instant_personalization, from: 2010-04-21T00:00:00Z}\n", p.name, p.feature)
		events = append(events, daily(2, "2014-01-01", p.last, func(i int) event {
			return event{Principal: "app-" + p.name, Feature: p.feature, Operation: "read", Subject: fmt.Sprintf("u%d", i%300+1)}
		})...)
	}
	w := newWorld(t, 4, yaml+registered)
	events = append(events, lawful("2018-01-01", "2018-12-31")...)
	w.produce(events...)
	r := w.run("state")
	r.counted(len(events))
	for i, n := range []uint64{913, 1340, 1340} {
		p := partners[i]
		r.expect(want{query: "partner=" + p.name, severity: rules.Critical, events: 2 * n, after: 2 * n, days: n, people: 300, grantors: 300,
			first: "2014-12-31T00:00:00Z", last: p.last + "T12:00:00Z", program: "instant_personalization"})
	}
}

func TestS8(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	w := newWorld(t, 4, `version: 1
partners:
  - {name: yahoo, owner: o@example.com, team: graph, principals: [app-yahoo]}
registrations:
  - {partner: yahoo, feature: friends.posts, from: 2011-09-22T00:00:00Z, sunset: 2013-01-01T00:00:00Z}
`)
	events := daily(40, "2013-01-01", "2018-07-31", func(i int) event {
		return event{Principal: "app-yahoo", Feature: "friends.posts", Operation: "read", Scopes: []string{"posts.read"},
			Subject: fmt.Sprintf("u%d", i%200_000+1), Grantor: fmt.Sprintf("g%d", i%80_000+1)}
	})
	w.produce(events...)
	r := w.run("state")
	r.counted(len(events))
	r.expect(want{query: "", severity: rules.Critical, events: 81_520, after: 81_520, days: 2038, people: 81_520, grantors: 80_000, third: 81_520, approximately: true,
		first: "2013-01-01T00:00:00Z", last: "2018-07-31T23:24:00Z"})
}

func TestS20(t *testing.T) {
	w := newWorld(t, 4, s1Registrations(", sunset: 2015-07-01T00:00:00Z, grace: 30d", ""))
	sunset := day("2015-07-01")
	var events []event
	for _, d := range []time.Duration{-1, 0, 1} {
		events = append(events, event{Time: sunset.Add(d), Principal: "app-netflix-web", Feature: "msg.recommend", Operation: "write", Subject: "u1"})
	}
	w.produce(events...)
	r := w.run("state")
	r.counted(3)
	r.expect(want{query: "", severity: rules.Warning, events: 2, days: 1, people: 1, grantors: 1, first: "2015-07-01T00:00:00Z", last: access.At(sunset.Add(1)).String()})
}

// Two instances on the same topics, each with its own state, show the same.
func TestPair(t *testing.T) {
	w := newWorld(t, 4, s1Registrations(", sunset: 2015-07-01T00:00:00Z, grace: 30d", ""))
	events := append(netflix("2015-06-01", "2015-09-30"), lawful("2015-06-01", "2015-09-30")...)
	a := w.run("a")
	w.produce(events[:200]...)
	b := w.run("b")
	w.produce(events[200:]...)
	a.counted(len(events))
	b.counted(len(events))
	fa, fb := a.finding("kind=access_after_sunset"), b.finding("kind=access_after_sunset")
	fa.OpenedAt, fa.DetectionDelay, fa.History = 0, nil, nil
	fb.OpenedAt, fb.DetectionDelay, fb.History = 0, nil, nil
	ja, _ := fa.MarshalJSON()
	jb, _ := fb.MarshalJSON()
	if string(ja) != string(jb) {
		t.Errorf("the pair disagrees:\n%s\n%s", ja, jb)
	}
}

// No subject id is in logs, metrics, answers, state or the file of rejections.
func TestNoSubjectLeaks(t *testing.T) {
	w := newWorld(t, 2, s1Registrations(", sunset: 2015-07-01T00:00:00Z, grace: 30d", ""))
	const subject, grantor = "subject-5f2c9e71", "grantor-8d1b44a0"
	events := daily(4, "2015-06-25", "2015-07-10", func(i int) event {
		e := event{Principal: "app-netflix-web", Feature: "msg.recommend", Operation: "read", Subject: subject, Grantor: grantor, ID: fmt.Sprint(i)}
		switch i % 5 {
		case 1:
			e.Operation = "" // missing_field
		case 2:
			e.Principal = "app-unknown"
		case 3:
			e.Outcome = subject // bad_value, with a subject where none belongs
		}
		return e
	})
	w.produce(events...)
	r := w.run("state")
	r.until("every event is read", func() bool {
		body, _ := r.get("/metrics")
		return strings.Contains(body, fmt.Sprintf("sunsetwatch_events_read_total{topic=%q} %d\n", testTopic, len(events)))
	})
	var shown []string
	for _, path := range []string{"/metrics", "/api/v1/findings", "/api/v1/status"} {
		body, _ := r.get(path)
		shown = append(shown, body)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.logged.All() {
		shown = append(shown, fmt.Sprint(e.Message, e.ContextMap()))
	}
	shown = append(shown, contents(t, w.dir+"/state")...)
	if len(shown) < 6 {
		t.Fatalf("only %d texts were looked at", len(shown))
	}
	for _, s := range shown {
		for _, id := range []string{subject, grantor} {
			if i := strings.Index(s, id); i >= 0 {
				t.Errorf("%s is shown: %q", id, s[max(0, i-100):min(len(s), i+100)])
			}
		}
	}
}

// contents of all files below dir.
func contents(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		all = append(all, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
