package archive

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sunsetwatch/consumer/codec"
	"sunsetwatch/rules/access"
)

const minimal = `{"time":"2015-07-01T00:00:00Z","principal":"a","feature":"f","operation":"read"}`

// Whatever the lines are, wherever parts and frames begin, and whoever reads them
// in whatever order: the answer is that of reading line by line.
func TestLinesAsReadOneByOne(t *testing.T) {
	native, exploding := mapping(t, codec.Mapping{}), mapping(t, codec.Mapping{Explode: "e"})
	rapid.Check(t, func(rt *rapid.T) {
		piece := rapid.SampledFrom([]string{minimal, minimal, minimal + "\r", "", " ", "\t\r", "{", "[1]", "{}", `{"e":[` + minimal + `,{},` + minimal + `]}`, "\x00", strings.Repeat("x", 300)})
		lines := rapid.SliceOfN(piece, 0, 60).Draw(rt, "lines")
		text := []byte(strings.Join(lines, "\n"))
		if rapid.Bool().Draw(rt, "ended") {
			text = append(text, '\n')
		}
		m := rapid.SampledFrom([]*codec.Compiled{native, exploding}).Draw(rt, "mapping")
		size := rapid.IntRange(1, 400).Draw(rt, "size")
		want := naive(t, text, m, 0)
		if rapid.Bool().Draw(rt, "marked") { // as some programs begin UTF-8
			text = append([]byte("\xef\xbb\xbf"), text...)
		}
		dir := write(t, map[string][]byte{"plain": text, "gzip": packGzip(t, text, size), "zstd": packZstd(t, text, size)})
		if len(text) == 0 {
			dir = write(t, map[string][]byte{"plain": text, "gzip": packGzip(t, text, 1), "zstd": nil})
		}
		workers := rapid.SampledFrom([]int{1, 2, 4}).Draw(rt, "workers")
		chunk := rapid.Int64Range(1, 500).Draw(rt, "chunk")
		seed := rapid.Uint64().Draw(rt, "order")
		for _, name := range []string{"plain", "gzip", "zstd"} {
			got := readAll(t, Options{Inputs: []string{dir + "/" + name}, Mapping: m, Workers: workers, Chunk: chunk}, func(parts []Part) {
				if seed%2 == 0 {
					rand.New(rand.NewPCG(seed, 1)).Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				}
			})
			if d := differ(got.lines[0], want); d != "" || len(got.damage) > 0 {
				rt.Fatalf("%s: %s %v", name, d, got.damage)
			}
			if got.counts.Events != uint64(len(want)) {
				rt.Fatalf("%s: %+v, want %d events", name, got.counts, len(want))
			}
		}
	})
}

// Parts that an earlier run has read are passed over, and the others give what they
// always give.
func TestSomePartsAlone(t *testing.T) {
	all := records(500, 3, true)
	text := jsonl(all)
	text = append(text, strings.Repeat(" ", 20_000)+"\n"...) // a line over several parts
	text = append(text, minimal...)
	dir := write(t, map[string][]byte{"plain": text, "zstd": packZstd(t, text, 3000)})
	want := naive(t, text, mapping(t, codec.Mapping{}), 0)
	for _, name := range []string{"plain", "zstd"} {
		for _, workers := range []int{1, 2} {
			for skip := range 6 {
				o := Options{Inputs: []string{dir + "/" + name}, Mapping: mapping(t, codec.Mapping{}), Workers: workers, Chunk: 5000}
				var got []string
				read := func(a *Archive, p Part) {
					var s told
					if _, err := a.Read(context.Background(), p, &s); err != nil {
						t.Fatal(err)
					}
					got = append(got, s.lines...)
				}
				a, err := Open(context.Background(), o)
				if err != nil {
					t.Fatal(err)
				}
				for i, p := range a.Parts() {
					if i%6 != skip {
						read(a, p)
					}
				}
				a.Close()
				if a, err = Open(context.Background(), o); err != nil {
					t.Fatal(err)
				}
				parts := a.Parts()
				slices.Reverse(parts)
				for _, p := range parts {
					if p.Index%6 == skip {
						read(a, p)
					}
				}
				a.Close()
				slices.Sort(got)
				if d := differ(got, want); d != "" {
					t.Errorf("%s, %d workers, without %d: %s", name, workers, skip, d)
				}
			}
		}
	}
}

// A line beyond the limit is rejected, wherever it lies, and the lines after it
// keep their numbers.
func TestLongLines(t *testing.T) {
	longest := minimal[:len(minimal)-1] + strings.Repeat(" ", access.MaxValueBytes-len(minimal)) + "}"
	text := []byte(minimal + "\n" + longest + "\n" + longest + " \n" + strings.Repeat("y", 5<<20) + "\n" + strings.Repeat(" ", 3<<20) + "\n" + minimal)
	want := naive(t, text, mapping(t, codec.Mapping{}), 0)
	want[4] = "000000005.000 rejected empty "
	dir := write(t, map[string][]byte{"plain": text, "gzip": packGzip(t, text, 1<<20), "zstd": packZstd(t, text, 100_000)})
	for _, name := range []string{"plain", "gzip", "zstd"} {
		for _, workers := range []int{1, 2} {
			got := readAll(t, Options{Inputs: []string{dir + "/" + name}, Workers: workers, Chunk: 70_000}, nil)
			if d := differ(got.lines[0], want); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// Of a file that is cut off, all whole lines before the cut are handed over, and
// the error says which file, and where.
func TestCutOff(t *testing.T) {
	text := jsonl(records(200, 5, false))
	want := naive(t, text, mapping(t, codec.Mapping{}), 0)
	packed := map[string][]byte{"gzip": packGzip(t, text, 9000), "zstd": packZstd(t, text, 9000), "oneframe": packZstd(t, text, len(text))}
	for name, b := range packed {
		ends := map[int]bool{} // between frames nothing shows
		if name != "gzip" {
			hop := &hopper{r: bytes.NewReader(b), size: int64(len(b))}
			for f, err := hop.next(); err == nil; f, err = hop.next() {
				ends[int(f.to)] = true
			}
		}
		step := 97
		if testing.Short() {
			step = 997
		}
		for cut := len(b) - 1; cut > 20; cut -= step {
			if ends[cut] {
				continue
			}
			dir := write(t, map[string][]byte{"cut": b[:cut]})
			var before []string
			for _, workers := range []int{1, 2, 4} {
				got := readAll(t, Options{Inputs: []string{dir + "/cut"}, Workers: workers, Chunk: 20_000}, nil)
				lines := got.lines[0]
				if len(lines) > len(want) || !slices.Equal(lines, want[:len(lines)]) {
					t.Fatalf("%s cut at %d: %s", name, cut, differ(lines, want))
				}
				if workers == 1 {
					before = lines
				} else if !slices.Equal(lines, before) {
					t.Fatalf("%s cut at %d: %d lines with %d workers, %d with one", name, cut, len(lines), workers, len(before))
				}
				if len(got.damage) != 1 || got.damage[0].Input != dir+"/cut" || !strings.Contains(got.damage[0].Error(), "cut off") || got.damage[0].Byte != int64(cut) {
					if name == "gzip" && len(got.damage) == 0 {
						continue // between members
					}
					t.Fatalf("%s cut at %d: %v", name, cut, got.damage)
				}
			}
		}
	}
}

// Damage inside ends an input at the same line for any number of workers.
func TestDamageInside(t *testing.T) {
	text := jsonl(records(400, 6, false))
	want := naive(t, text, mapping(t, codec.Mapping{}), 0)
	rnd := rand.New(rand.NewPCG(1, 2))
	tries := 60
	if testing.Short() {
		tries = 6
	}
	for name, b := range map[string][]byte{"gzip": packGzip(t, text, 9000), "zstd": packZstd(t, text, 9000), "oneframe": packZstd(t, text, len(text))} {
		for range tries {
			bad := bytes.Clone(b)
			bad[30+rnd.IntN(len(bad)-30)] ^= byte(1 + rnd.IntN(255))
			dir := write(t, map[string][]byte{"bad": bad})
			var first []string
			for _, workers := range []int{1, 2, 4} {
				got := readAll(t, Options{Inputs: []string{dir + "/bad"}, Workers: workers, Chunk: 20_000}, nil)
				lines := got.lines[0]
				if workers == 1 {
					first = lines
				} else if !slices.Equal(lines, first) {
					t.Fatalf("%s: %d workers: %s", name, workers, differ(lines, first))
				}
				if len(got.damage) > 1 || len(got.damage) == 0 && !slices.Equal(lines, want) && name == "gzip" {
					t.Fatalf("%s: %v", name, got.damage)
				}
			}
		}
	}
	dir := write(t, map[string][]byte{"tail": append(packZstd(t, text, 9000), "no frame"...)})
	got := readAll(t, Options{Inputs: []string{dir + "/tail"}, Workers: 2}, nil)
	if len(got.damage) != 1 || !strings.Contains(got.damage[0].Error(), "there is no zstd frame") || len(got.lines[0]) != len(want) {
		t.Errorf("%d lines, %v", len(got.lines[0]), got.damage)
	}
}

// A cancelled reading ends, and leaves nothing behind that waits.
func TestCancel(t *testing.T) {
	text := jsonl(records(2000, 8, false))
	dir := write(t, map[string][]byte{"plain": text})
	ctx, cancel := context.WithCancel(context.Background())
	a, err := Open(ctx, Options{Inputs: []string{dir + "/plain"}, Mapping: mapping(t, codec.Mapping{}), Workers: 2, Chunk: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	cancel()
	parts := a.Parts()
	if _, err := a.Read(ctx, parts[len(parts)-1], &told{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var s told
	if _, err := a.Read(context.Background(), parts[1], &s); err != nil || len(s.lines) == 0 {
		t.Error(err, len(s.lines))
	}
}

// Reading lines allocates nothing per event.
func TestAllocations(t *testing.T) {
	if underRace {
		t.Skip("the race detector allocates")
	}
	all := records(6000, 9, false)
	dir := map[int]string{}
	for _, n := range []int{1000, 6000} {
		text := jsonl(all[:n])
		dir[n] = write(t, map[string][]byte{"plain": text, "zstd": packZstd(t, text, 64<<10), "gzip": packGzip(t, text, 64<<10), "parquet": packParquet(t, all[:n])})
	}
	for _, name := range []string{"plain", "zstd", "gzip", "parquet"} {
		allocs := func(n int) float64 {
			a, err := Open(context.Background(), Options{Inputs: []string{dir[n] + "/" + name}, Mapping: mapping(t, codec.Mapping{}), IDs: true})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			in, w := a.inputs[0], a.newWorker()
			return testing.AllocsPerRun(5, func() {
				var c Counts
				for k := range in.parts {
					w.lines.begin(&tally{}, &c)
					if err := in.read(context.Background(), a, w, k, &tally{}, &c); err != nil {
						t.Fatal(err)
					}
				}
				if c.Events != uint64(n) {
					t.Fatalf("%+v", c)
				}
			})
		}
		runtime.GC()
		few, many := allocs(1000), allocs(6000)
		if per := (many - few) / 5000; per > 0.05 { // parts and pages are allowed some
			t.Errorf("%s: %.3f allocations per event (%v for 1000, %v for 6000)", name, per, few, many)
		}
	}
}

func TestSHA256(t *testing.T) {
	dir := write(t, map[string][]byte{"plain": []byte(minimal)})
	a, err := Open(context.Background(), Options{Inputs: []string{dir + "/plain", "-"}, Stdin: strings.NewReader(minimal), Mapping: mapping(t, codec.Mapping{})})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.SHA256(context.Background(), 1); err == nil || !strings.Contains(err.Error(), "was not read to its end") {
		t.Error(err)
	}
	for _, p := range a.Parts() {
		if c, err := a.Read(context.Background(), p, &tally{}); err != nil || c.Added != 1 {
			t.Error(c, err)
		}
	}
	file, err1 := a.SHA256(context.Background(), 0)
	stdin, err2 := a.SHA256(context.Background(), 1)
	if err1 != nil || err2 != nil || file != stdin {
		t.Error(file, stdin, err1, err2)
	}
}
