package detector

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"sunsetwatch/detector/ledger"
	"sunsetwatch/detector/ledger/table"
	"sunsetwatch/rules/access"
)

// pieced counts the calls of some sources as a replay does.
func pieced(calls []call, terms ledger.Terms, sources ...int) *ledger.Ledger {
	l := ledger.New(ledger.Options{Terms: terms})
	p := l.NewPieces(ledger.PiecesOptions{Months: true})
	for i := range calls {
		if c := &calls[i]; slices.Contains(sources, c.source) {
			p.From(ledger.Source{Name: sourceName(c.source)})
			p.Add(c.event(), access.Position{Offset: c.offset})
		}
	}
	return l
}

// Facts from files give the findings of the facts that were written, whether
// they were written as one or as two, by the registry that cut them, and by
// another one.
func TestFactsFromFilesGiveTheSameFindings(t *testing.T) {
	found := 0
	seeds(t, 60, func(t *testing.T, r *rand.Rand) {
		b, other := randomBook(r), randomBook(r)
		calls := randomCalls(r, 50+r.IntN(250), b)
		var sources []int
		for _, c := range calls {
			if !slices.Contains(sources, c.source) {
				sources = append(sources, c.source)
			}
		}
		whole := pieced(calls, b, sources...)
		n := r.IntN(len(sources) + 1)
		reader := table.NewReader(table.Options{})
		for _, l := range []*ledger.Ledger{pieced(calls, b, sources[n:]...), pieced(calls, b, sources[:n]...)} {
			var file bytes.Buffer
			if err := table.Write(&file, l, table.Header{KeyID: "0badcafe"}); err != nil {
				t.Fatal(err)
			}
			if err := reader.Add("facts", bytes.NewReader(file.Bytes()), int64(file.Len())); err != nil {
				t.Fatal(err)
			}
		}
		read, err := reader.Ledger(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []*book{b, other} {
			whole.SetTerms(b)
			read.SetTerms(b)
			want, got := newDetector(t, whole), newDetector(t, read)
			want.reload(b, nil, nil, wallOfTests)
			got.reload(b, nil, nil, wallOfTests)
			found += len(want.Findings())
			compare(t, want.Findings(), got.Findings())
		}
	})
	if found == 0 {
		t.Error("no findings were compared")
	}
}
