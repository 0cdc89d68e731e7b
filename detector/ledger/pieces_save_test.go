package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"sunsetwatch/rules/access"
)

// What was saved in the middle and goes on counts what was never interrupted does.
func TestPiecesGoOnWhereTheyWereSaved(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 4))
		span := spans(r)
		log := randomLog(r, 100+r.IntN(900), span)
		cuts := randomCuts(r, span)
		o := PiecesOptions{Months: r.IntN(2) == 0}
		l := New(Options{Terms: cuts})
		p := l.NewPieces(o)
		for i := range log {
			if r.IntN(200) == 0 {
				saved := l.AppendPieces(nil)
				again, err := LoadPieces(saved, Options{Terms: cuts})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(again.AppendPieces(nil), saved) {
					t.Fatalf("seed %d: it is not saved again as it was", seed)
				}
				for cut := range min(len(saved), 400) {
					if _, err := LoadPieces(saved[:cut], Options{Terms: cuts}); err == nil {
						t.Fatalf("seed %d: %d of %d bytes are taken", seed, cut, len(saved))
					}
				}
				l = New(Options{Terms: cuts})
				p = l.NewPieces(o)
				l.Absorb(again)
			}
			p.From(Source{Name: fmt.Sprintf("events/%d", log[i].source)})
			p.Add(log[i].event(), access.Position{Offset: log[i].offset})
		}
		got, cut, _ := facts(l)
		if len(cut) > 0 {
			t.Fatalf("seed %d: %d stretches are cut", seed, len(cut))
		}
		equalSums(t, got, truth(l, log, cuts))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// All files are one source, and a partition that never held a record is none.
func TestFilesAreOneSource(t *testing.T) {
	l := New(Options{})
	p := l.NewPieces(PiecesOptions{})
	h := happening{}
	for i, source := range []Source{{Name: "a.jsonl"}, {Name: "b.jsonl"}, {Name: "topic/0", Topic: "topic"}} {
		p.From(source)
		h.time = access.Instant(10 - i)
		p.Add(h.event(), access.Position{Offset: 1})
	}
	p.From(Source{Name: "topic/1", Topic: "topic", Partition: 1})
	p.Advance(0)
	want := []Judged{
		{Source{Name: Files}, true, 10},
		{Source{Name: "topic/0", Topic: "topic"}, true, 8},
		{Source{Name: "topic/1", Topic: "topic", Partition: 1}, false, access.Beginning},
	}
	if got := l.Judged(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
