package endtoend

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sunsetwatch/deploy"
	"sunsetwatch/deploy/components"
)

// The stories of which the past changes while the program runs: each in a
// program of its own, on one Kafka, behind one Prometheus and one Alertmanager.
// Partners have other names than in rules/scenarios, so that the stories share
// no alert.

// teller tells one story.
type teller struct {
	*program
	partner string
	topic   *kafka.Writer
	counted int
	hook    *webhook
}

// moment is an instant of RFC 3339.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// every are accesses at equal distances, on partitions in turn, up to partitions
// of them.
func every(step time.Duration, from, to, principal, feature string, partitions int) []kafka.Message {
	var all []kafka.Message
	for at := moment(from); !at.After(moment(to)); at = at.Add(step) {
		i := len(all)
		all = append(all, message(i%partitions, &event{Time: at, Principal: principal, Feature: feature, Operation: "read",
			Scopes: []string{"messages.read"}, Subject: fmt.Sprintf("u%d", i%500+1), Records: 1}))
	}
	return all
}

// tell produces messages and waits until they are counted.
func (s *teller) tell(messages ...kafka.Message) {
	s.t.Helper()
	if err := s.topic.WriteMessages(deadline(s.t, time.Minute), messages...); err != nil {
		s.t.Fatal(err)
	}
	s.counted += len(messages)
	s.counts(s.counted)
}

// reload gives the running program other registrations.
func (s *teller) reload(registrations string) {
	s.t.Helper()
	s.write("registrations.yml", registrations)
	resp, err := http.Post(s.url("/-/reload"), "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("reload: %v %v", resp, err)
	}
	resp.Body.Close()
}

// restart stops the program in order, and starts it on the same state.
func (s *teller) restart() {
	s.t.Helper()
	s.stop()
	s.start()
	s.ready()
}

// expect waits until the finding of a kind is as it must be, in the API and in
// the metrics.
func (s *teller) expect(kind, what string, is func(f *finding) bool) finding {
	s.t.Helper()
	var found finding
	waitFor(s.t, time.Minute, s.partner+": "+what, func() (bool, string) {
		all, err := s.findings()
		if err != nil {
			return false, err.Error()
		}
		for _, f := range all {
			if f.Kind == kind && f.Partner == s.partner {
				found = f
				return is(&f), fmt.Sprintf("%+v", f)
			}
		}
		return false, fmt.Sprintf("no %s among %+v", kind, all)
	})
	metrics, err := s.scrape()
	if err != nil {
		s.t.Fatal(err)
	}
	name := fmt.Sprintf(`sunsetwatch_finding_events{detail="",feature=%q,kind=%q,partner=%q}`, found.Feature, kind, s.partner)
	if got, shown := metrics[name]; shown && got != float64(found.Events) {
		s.t.Errorf("%s: %s is %v, and the API says %d", s.partner, name, got, found.Events)
	}
	return found
}

// pages are the notifications that fire and those that resolve, so far, in the
// team's chat: a critical one rings its pager besides.
func (s *teller) pages() (firing, resolved int) {
	for _, n := range s.hook.all() {
		switch {
		case n.Alerts[0].Labels["partner"] != s.partner || n.Receiver != "partner-platform-chat":
		case n.Status == "firing":
			firing++
		default:
			resolved++
		}
	}
	return firing, resolved
}

func (s *teller) paged(firing, resolved int) {
	s.t.Helper()
	waitFor(s.t, 3*time.Minute, fmt.Sprintf("%s: %d pages, %d of them resolved", s.partner, firing, resolved), func() (bool, string) {
		f, r := s.pages()
		return f == firing && r == resolved, fmt.Sprint(f, r)
	})
}

const feature = "msg.recommend"

func registration(partner, revisions string) string {
	return fmt.Sprintf(`version: 1
partners:
  - {name: %s, owner: partnerships@example.com, team: partner-platform, principals: [app-%s]}
  - {name: airbnb, owner: partnerships@example.com, team: partner-platform, principals: [app-airbnb]}
registrations:
  - {partner: airbnb, feature: friends.stay, from: 2010-01-01T00:00:00Z}
  - partner: %s
    feature: msg.recommend
    revisions:
%s`, partner, partner, partner, revisions)
}

const (
	launched = "      - {from: 2014-06-01T00:00:00Z, operations: [write]}\n"
	late     = "      - {recorded: 2016-01-15T00:00:00Z, by: audit, reason: the feature was shut down, sunset: 2015-07-01T00:00:00Z, grace: 30d}\n"
	shut     = "      - {from: 2014-06-01T00:00:00Z, operations: [write], sunset: 2015-07-01T00:00:00Z, grace: 30d}\n"
	announce = `      - from: 2021-01-01T00:00:00Z
        sunset: 2022-03-15T00:00:00Z
        pauses:
          - {from: 2022-03-01T00:00:00Z, until: 2022-03-01T12:00:00Z}
          - {from: 2022-03-08T00:00:00Z, until: 2022-03-09T00:00:00Z}
`
	inTime  = "      - {recorded: 2022-03-04T00:00:00Z, effective: 2022-03-04T00:00:00Z, by: pm, sunset: null, pauses: []}\n"
	tooLate = "      - {recorded: 2022-03-20T00:00:00Z, effective: 2022-03-04T00:00:00Z, by: pm, sunset: null, pauses: []}\n"

	afterSunset = "access_after_sunset"
	inPause     = "access_during_pause"
	sixHours    = 6 * time.Hour
)

type story struct {
	partner string
	begins  string // registrations
	tell    func(s *teller)
}

func stories() []story {
	return []story{
		// S2: the shutdown is written down late.
		{"netflix-late", registration("netflix-late", launched), func(s *teller) {
			s.tell(every(sixHours, "2014-06-01T00:00:00Z", "2016-01-14T18:00:00Z", "app-netflix-late", feature, 4)...)
			s.expect("operation_overreach", "reading was not granted", func(f *finding) bool { return f.Events == 2372 && f.State == "open" })
			s.reload(registration("netflix-late", launched+late))
			f := s.expect(afterSunset, "found late", func(f *finding) bool { return f.Events == 792 && f.Severity == "critical" && f.State == "open" })
			s.expect("operation_overreach", "and the other one shrinks", func(f *finding) bool { return f.Events == 1580 })
			s.paged(1, 0)
			s.restart()
			if g := s.expect(afterSunset, "kept over a restart", func(f *finding) bool { return f.Events == 792 }); g.ID != f.ID {
				s.t.Errorf("the id was %s, and is %s", f.ID, g.ID)
			}
			s.tell(every(sixHours, "2016-01-15T00:00:00Z", "2017-03-31T18:00:00Z", "app-netflix-late", feature, 4)...)
			s.expect(afterSunset, "and it goes on", func(f *finding) bool { return f.Events == 2560 && f.After == 2440 && f.Days == 640 })
			s.paged(1, 0)
		}},
		// S14: late and damning.
		{"netflix-damning", registration("netflix-damning", shut), func(s *teller) {
			s.tell(every(sixHours, "2015-07-01T06:00:00Z", "2016-02-29T18:00:00Z", "app-netflix-damning", feature, 4)...)
			s.expect(afterSunset, "found", func(f *finding) bool {
				return f.Events == 975 && f.Severity == "critical" && f.First.Time.Equal(moment("2015-07-01T06:00:00Z"))
			})
			s.paged(1, 0)
			s.tell(every(sixHours, "2015-07-01T00:00:01Z", "2015-07-01T00:00:01Z", "app-netflix-damning", feature, 4)...)
			s.expect(afterSunset, "it began earlier", func(f *finding) bool {
				return f.Events == 976 && f.First.Time.Equal(moment("2015-07-01T00:00:01Z")) && f.State == "open" && f.Relapses == 0
			})
			s.restart()
			s.expect(afterSunset, "kept over a restart", func(f *finding) bool { return f.Events == 976 })
			s.paged(1, 0)
		}},
		// S15: the sunset is taken back in time.
		{"acme-early", registration("acme-early", announce), func(s *teller) {
			s.tell(every(sixHours, "2022-02-01T00:00:00Z", "2022-03-03T18:00:00Z", "app-acme-early", feature, 4)...)
			s.expect(inPause, "the first brownout", func(f *finding) bool { return f.Events == 2 && f.Severity == "info" })
			s.reload(registration("acme-early", announce+inTime))
			s.restart()
			s.tell(every(sixHours, "2022-03-04T00:00:00Z", "2022-04-30T18:00:00Z", "app-acme-early", feature, 4)...)
			s.expect(inPause, "and no other", func(f *finding) bool { return f.Events == 2 && f.State == "closed" })
			s.paged(0, 0)
		}},
		// S15, variant: taken back after the fact.
		{"acme-late", registration("acme-late", announce), func(s *teller) {
			s.tell(every(sixHours, "2022-02-01T00:00:00Z", "2022-03-19T18:00:00Z", "app-acme-late", feature, 4)...)
			s.expect(afterSunset, "after the sunset", func(f *finding) bool { return f.Events == 20 && f.State == "open" })
			s.expect(inPause, "both brownouts", func(f *finding) bool { return f.Events == 6 })
			s.paged(1, 0)
			s.reload(registration("acme-late", announce+tooLate))
			s.expect(afterSunset, "withdrawn and kept", func(f *finding) bool { return f.Events == 20 && f.State == "withdrawn" })
			s.expect(inPause, "the first brownout", func(f *finding) bool { return f.Events == 2 })
			s.restart()
			s.tell(every(sixHours, "2022-03-20T00:00:00Z", "2022-04-30T18:00:00Z", "app-acme-late", feature, 4)...)
			s.expect(afterSunset, "still withdrawn", func(f *finding) bool { return f.Events == 20 && f.State == "withdrawn" })
			s.paged(1, 1)
		}},
		// S18: relapse.
		{"netflix-back", registration("netflix-back", shut), func(s *teller) {
			s.tell(every(sixHours, "2015-07-01T00:00:00Z", "2017-03-31T18:00:00Z", "app-netflix-back", feature, 4)...)
			f := s.expect(afterSunset, "found", func(f *finding) bool { return f.Events == 2560 && f.State == "open" })
			s.paged(1, 0)
			s.tell(every(sixHours, "2017-04-01T00:00:00Z", "2017-07-31T18:00:00Z", "app-airbnb", "friends.stay", 4)...)
			s.expect(afterSunset, "closed and verified", func(f *finding) bool {
				return f.State == "closed" && f.Closure.Verified && f.ClosedAt.Equal(moment("2017-04-30T18:00:00Z"))
			})
			s.paged(1, 1)
			s.restart()
			s.expect(afterSunset, "closed after a restart", func(f *finding) bool { return f.State == "closed" && f.Relapses == 0 })
			s.tell(every(sixHours, "2017-08-01T12:00:00Z", "2017-08-01T12:00:00Z", "app-netflix-back", feature, 4)...)
			s.tell(every(sixHours, "2017-08-01T18:00:00Z", "2017-08-02T00:00:00Z", "app-airbnb", "friends.stay", 4)...)
			g := s.expect(afterSunset, "back", func(f *finding) bool { return f.State == "open" && f.Events == 2561 && f.Relapses == 1 })
			if g.ID != f.ID {
				s.t.Errorf("the id was %s, and is %s", f.ID, g.ID)
			}
			s.paged(2, 1)
		}},
		// S19: the pipe is broken, not the partner.
		{"netflix-pipe", registration("netflix-pipe", shut), func(s *teller) {
			s.tell(every(sixHours, "2015-07-01T00:00:00Z", "2017-03-31T18:00:00Z", "app-netflix-pipe", feature, 4)...)
			s.tell(every(sixHours, "2017-04-01T00:00:00Z", "2017-04-05T18:00:00Z", "app-airbnb", "friends.stay", 4)...)
			s.tell(every(sixHours, "2017-04-06T00:00:00Z", "2017-06-30T18:00:00Z", "app-airbnb", "friends.stay", 3)...)
			notClosed := func(f *finding) bool {
				return f.State == "quiet" && f.Closure != nil && !f.Closure.Verified &&
					strings.Contains(f.Closure.Why, "netflix-pipe/3 is only judged to 2017-04-05T18:00:00Z")
			}
			s.expect(afterSunset, "quiet, and not closed", notClosed)
			s.paged(1, 0)
			s.restart()
			s.expect(afterSunset, "still not closed", notClosed)
			s.paged(1, 0)
		}},
	}
}

// What the stories say holds live: registrations are reloaded while the program
// runs, it is restarted in between, the API and the metrics show the states, and
// each page is one notification.
func TestStories(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes")
	}
	broker := components.Kafka(t)
	hook := newWebhook(t)
	manager := components.Alertmanager(t, map[string]string{"alertmanager.yml": example(t, "alertmanager/alertmanager.yml", map[string]string{
		"http://localhost:8080": hook.URL,
		"group_interval: 5m":    "group_interval: 5s",
		"group_wait: 10s":       "group_wait: 2s",
	})})
	var tellers []*teller
	var targets []string
	all := stories()
	for _, s := range all {
		topic := newTopic(t, broker.Addr, s.partner, 4)
		p := newProgram(t, broker.Addr, s.partner, s.begins, "findings: {hold: 5s}\nstate: {save_every: 1s}\n", "--web.enable-lifecycle")
		p.start()
		p.ready()
		tellers = append(tellers, &teller{program: p, partner: s.partner, topic: topic, hook: hook})
		targets = append(targets, p.addr)
	}
	rules := deploy.DefaultRules()
	rules.Window, rules.KeepFiring = 6*time.Second, 4*time.Second
	rendered, err := rules.Render()
	if err != nil {
		t.Fatal(err)
	}
	components.Prometheus(t, map[string]string{
		"prometheus.yml": example(t, "prometheus/prometheus.yml", map[string]string{
			"localhost:9093": manager.Addr, "localhost:9469": strings.Join(targets, `", "`), ": 10s": ": 2s",
		}),
		"sunsetwatch.rules.yml": string(rendered),
	})
	t.Run("story", func(t *testing.T) {
		for i, s := range all {
			t.Run(s.partner, func(t *testing.T) {
				t.Parallel()
				tellers[i].t = t
				s.tell(tellers[i])
			})
		}
	})
}
