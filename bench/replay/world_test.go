package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"strconv"
	"testing"
	"time"
)

// TestStream holds a short stream against the one that it has always been.
func TestStream(t *testing.T) {
	const want = "6fd85bdf8139dca7b89e7add4e361e20f5adfdb3adeed0c008357330ca7f9f3b"
	sum := sha256.New()
	var line []byte
	err := newWorld().events(5000, func(e *event) error {
		line = e.appendLine(line[:0])
		_, err := sum.Write(line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("the checksum is %s, want %s", got, want)
	}
}

// TestGaps holds what DuckDB joins with against what the generator goes by.
func TestGaps(t *testing.T) {
	w := newWorld()
	var b bytes.Buffer
	if err := w.gaps(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	gaps := map[int][]window{}
	for _, row := range rows[1:] {
		n, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		var v window
		for i, to := range []*time.Time{&v.from, &v.until} {
			if *to, err = time.Parse(time.RFC3339, row[3+i]); err != nil {
				t.Fatal(err)
			}
		}
		gaps[n] = append(gaps[n], v)
	}
	for i := range w.pairs {
		for at := start; at.Before(end); at = at.Add(7 * time.Hour) {
			in := false
			for _, v := range gaps[i] {
				in = in || !at.Before(v.from) && at.Before(v.until)
			}
			if over := w.pairs[i].over(at); in != over {
				t.Fatalf("%s at %s: in a gap %t, over %t", w.pairs[i].name(), at, in, over)
			}
		}
	}
}

func TestDifferences(t *testing.T) {
	few := after{Events: 5, Days: 2, People: crowd{N: 3}, Grantors: crowd{N: 2}, Records: 7, Bytes: 8, First: 1, Last: 9}
	many := after{Events: 9000, Days: 2, People: crowd{N: 5000}, Grantors: crowd{N: 4000}, First: 1, Last: 9}
	want := answer{"a/f": few, "b/f": many}
	with := func(f after, change func(*after)) after { change(&f); return f }
	for name, c := range map[string]struct {
		change func(answer)
		right  bool
	}{
		"equal":    {func(answer) {}, true},
		"estimate": {func(a answer) { a["b/f"] = with(many, func(f *after) { f.People = crowd{5100, true} }) }, true},
		"far":      {func(a answer) { a["b/f"] = with(many, func(f *after) { f.Grantors = crowd{4200, true} }) }, false},
		"claimed":  {func(a answer) { a["b/f"] = with(many, func(f *after) { f.People = crowd{5100, false} }) }, false},
		"few":      {func(a answer) { a["a/f"] = with(few, func(f *after) { f.People = crowd{4, true} }) }, false},
		"days":     {func(a answer) { a["a/f"] = with(few, func(f *after) { f.Records++ }) }, false},
		"missing":  {func(a answer) { delete(a, "a/f") }, false},
		"more":     {func(a answer) { a["c/f"] = after{} }, false},
	} {
		a := answer{"a/f": want["a/f"], "b/f": want["b/f"]}
		c.change(a)
		if d := a.differences(want); (len(d) == 0) != c.right {
			t.Errorf("%s: %q", name, d)
		}
	}
}
