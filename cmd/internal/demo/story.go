package demo

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

//go:embed registrations.yml
var registrationsYAML []byte

// The story's span of event time.
var (
	storyBegins = date(2012, 12, 1)
	storyEnds   = date(2018, 12, 31)
)

// storyLength is how long the story takes at speed 1.
const storyLength = time.Minute

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// traffic is what one principal does: n accesses a day at equal distances, from
// the first day to the last.
type traffic struct {
	principal, feature, operation string
	scopes                        []string
	perDay                        int
	first, last                   time.Time
	people                        int    // subjects cycle u1, u2, ... up to this
	outcome                       string // empty: served
}

// cast is everybody in the story. Most of the traffic is lawful.
func cast() []traffic {
	always := func(t traffic) traffic {
		t.first, t.last = storyBegins, storyEnds.AddDate(0, 0, -1)
		return t
	}
	return []traffic{
		always(traffic{principal: "app-spotify", feature: "msg.share", operation: "write", scopes: []string{"messages.write"}, perDay: 40, people: 70_000}),
		always(traffic{principal: "app-apple", feature: "contacts.sync", operation: "list", scopes: []string{"contacts.read"}, perDay: 20, people: 9_000}),
		always(traffic{principal: "app-huawei", feature: "contacts.sync", operation: "list", scopes: []string{"contacts.read"}, perDay: 12, people: 5_000}),
		{principal: "app-netflix", feature: "msg.recommend", operation: "read", scopes: []string{"messages.read"}, perDay: 4, people: 500,
			first: storyBegins, last: date(2017, 3, 31)},
		{principal: "app-netflix", feature: "msg.recommend", operation: "read", scopes: []string{"messages.read"}, perDay: 3, people: 500,
			first: date(2017, 4, 3), last: date(2017, 4, 3), outcome: "denied"},
		{principal: "app-yahoo", feature: "friends.posts", operation: "read", scopes: []string{"posts.read"}, perDay: 6, people: 200_000,
			first: storyBegins, last: date(2018, 7, 31)},
		{principal: "app-bing", feature: "search.social", operation: "read", scopes: []string{"friends.read"}, perDay: 2, people: 2_000,
			first: storyBegins, last: date(2017, 6, 30)},
		{principal: "app-pandora", feature: "radio.social", operation: "read", scopes: []string{"friends.read"}, perDay: 2, people: 1_000,
			first: storyBegins, last: date(2018, 8, 31)},
		{principal: "app-rotten-tomatoes", feature: "reviews.social", operation: "read", scopes: []string{"friends.read"}, perDay: 2, people: 700,
			first: storyBegins, last: date(2018, 8, 31)},
		{principal: "app-rbc", feature: "msg.pay", operation: "read", scopes: []string{"messages.read"}, perDay: 12, people: 5,
			first: date(2016, 5, 2), last: date(2016, 5, 2)},
		{principal: "app-nytimes", feature: "friends.share", operation: "list", scopes: []string{"friends.read"}, perDay: 1, people: 300,
			first: storyBegins, last: date(2013, 2, 27)},
	}
}

// milestone is a date that the narrator names as it passes.
type milestone struct {
	at         time.Time
	word, text string
}

// milestones are in order of time.
func milestones() []milestone {
	return []milestone{
		{date(2013, 1, 1), "sunset", "yahoo friends.posts: from now on every access is one too many"},
		{date(2013, 3, 1), "sunset", "new-york-times friends.share: access must be over, and it is"},
		{date(2014, 12, 31), "sunset", "the program instant-personalization, and with it bing, pandora and rotten-tomatoes"},
		{date(2015, 7, 1), "sunset", "netflix msg.recommend: access must be over, with a grace of 30 days"},
		{date(2015, 7, 31), "grace", "netflix msg.recommend: its grace ends, what comes now is critical"},
		{date(2016, 5, 2), "access", "royal-bank-of-canada reads messages for 5 people, and nobody registered that"},
	}
}

// event is one event in the native format.
type event struct {
	Time      time.Time `json:"time"`
	ID        string    `json:"id"`
	Principal string    `json:"principal"`
	Feature   string    `json:"feature"`
	Operation string    `json:"operation"`
	Scopes    []string  `json:"scopes"`
	Subject   string    `json:"subject"`
	Consent   string    `json:"consent"`
	Outcome   string    `json:"outcome,omitempty"`
	Records   int       `json:"records"`
	Bytes     int       `json:"bytes"`
}

func (e *event) json() []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings, numbers and a time always encode
	}
	return b
}

// day yields the events of one UTC day, actor by actor.
func day(of time.Time) iter.Seq[event] {
	return func(yield func(event) bool) {
		for who, t := range cast() {
			if of.Before(t.first) || of.After(t.last) {
				continue
			}
			n := int(of.Sub(t.first).Hours()/24) * t.perDay
			for i := range t.perDay {
				e := event{
					Time:      of.Add(24 * time.Hour / time.Duration(t.perDay) * time.Duration(i)),
					ID:        fmt.Sprintf("%d-%d", who, n+i),
					Principal: t.principal, Feature: t.feature, Operation: t.operation, Scopes: t.scopes,
					Subject: fmt.Sprintf("u%d", (n+i)%t.people+1),
					Consent: "granted", Outcome: t.outcome, Records: 1, Bytes: 512,
				}
				if !yield(e) {
					return
				}
			}
		}
	}
}
