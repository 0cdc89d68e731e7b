package ledger

import (
	"math/rand/v2"
	"testing"

	"sunsetwatch/rules/access"
)

// savedExample is the saved form of a small ledger that has all there is: several
// sources, windows, tiers, people, cuts, and buckets that a late cut divides.
func savedExample(tb testing.TB) Changes {
	r := rand.New(rand.NewPCG(11, 11))
	span := 900 * access.OneDay
	log := randomLog(r, 600, span)
	for i := range log {
		log[i].principal, log[i].feature = "app", "f"
	}
	l := New(Options{Terms: cutTerms{}})
	for s := range testSources {
		f := l.NewFold(Source{Name: string(rune('a' + s)), Topic: "t", Partition: int32(s)})
		var p Progress
		for i := range log {
			if log[i].source != s {
				continue
			}
			f.Add(log[i].event(), access.Position{Offset: log[i].offset})
			p.Next = log[i].offset + 1
			p.Coverage.Records++
			p.Coverage.Events++
		}
		if err := l.Merge(f, p); err != nil {
			tb.Fatal(err)
		}
	}
	l.SetTerms(randomCuts(r, span))
	saved := Changes{}
	l.TakeChanges(saved)
	return saved
}

// FuzzLoad changes one value of a saved ledger: loading it gives an error or a
// ledger that can be used and saved again, and never a panic.
func FuzzLoad(f *testing.F) {
	saved := savedExample(f)
	for k, v := range saved {
		if k[0] != keyWindow && v != nil {
			f.Add([]byte(k), v)
		}
	}
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		o := NewLoader(Options{})
		for _, kind := range []byte{keyLatest, keySource, keyCell, keyChunk} {
			for k, v := range saved {
				if k[0] != kind || v == nil {
					continue
				}
				if k == string(key) {
					v = value
				}
				if o.Load([]byte(k), v) != nil {
					return
				}
			}
		}
		if _, changed := saved[string(key)]; !changed && o.Load(key, value) != nil {
			return
		}
		l, err := o.Ledger(cutTerms{})
		if err != nil {
			return
		}
		for _, c := range l.cells {
			for s := range c.Stretches() {
				s.Days.Count()
				s.People.Count()
			}
		}
		l.Size()
		l.TakeChanges(Changes{})
	})
}

// Every value, cut short at any length, is refused or harmless.
func TestLoadRefusesShortValues(t *testing.T) {
	saved := savedExample(t)
	for k, v := range saved {
		if k[0] != keyCell && k[0] != keySource {
			continue
		}
		for n := range v {
			if err := NewLoader(Options{}).Load([]byte(k), v[:n]); err == nil {
				t.Fatalf("key %x: %d of %d bytes are taken", k, n, len(v))
			}
		}
	}
}
