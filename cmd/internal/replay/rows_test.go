package replay

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"sunsetwatch/rules/access"
)

// Rows whose people are wrong are rejected where somebody asks about whom they
// were, by any number of workers and after interruptions.
func TestRowsWithWrongPeople(t *testing.T) {
	type row struct {
		Time      time.Time `parquet:"time,timestamp(nanosecond)"`
		Principal string    `parquet:"principal,dict"`
		Feature   string    `parquet:"feature,dict"`
		Operation string    `parquet:"operation,dict"`
		Subject   string    `parquet:"subject"`
	}
	r := rand.New(rand.NewPCG(3, 3))
	start := time.Date(2014, 6, 1, 0, 0, 0, 0, time.UTC)
	sunset := time.Date(2015, 7, 1, 0, 0, 0, 0, time.UTC)
	const n = 60_000
	wrong := uint64(0)
	rows := make([]row, n)
	for i := range rows {
		at := start.Add(time.Duration(i) * (1000 * 24 * time.Hour / n)).Add(-time.Duration(r.IntN(600)) * time.Second)
		rows[i] = row{at, "app-netflix", "msg.recommend", "write", fmt.Sprintf("u%d", r.IntN(300))}
		if i > n/2 && i < n*3/4 {
			rows[i].Principal, rows[i].Feature = "app-bing", "search" // long over
		}
		if r.IntN(100) == 0 || i%2048 == 2047 {
			rows[i].Subject = strings.Repeat("x", access.MaxNameBytes+1)
			if rows[i].Principal == "app-bing" || !at.Before(sunset) || at.Before(start) {
				wrong++
			}
		}
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "rows.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewGenericWriter[row](f, parquet.MaxRowsPerRowGroup(17_000))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want := ""
	for workers := 1; workers <= 2; workers++ {
		o := options(t, dir)
		o.Workers, o.Out = workers, t.TempDir()
		s := mustRun(t, o).Summary
		if s.rejected() != wrong || s.EventsCounted != n-wrong {
			t.Errorf("%d rejected and %d counted, want %d and %d", s.rejected(), s.EventsCounted, wrong, n-wrong)
		}
		got := output(t, o.Out)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d workers write\n%s\nwant\n%s", workers, got, want)
		}
		interrupted(t, dir, workers, n, want, func(*Options) {}, r)
	}
	d := doomed{Inputs: []string{dir}, Workers: 2, Out: t.TempDir(), Every: 1}
	if kills := killed(t, d, func() int64 { return 20_000 }); kills < 1 {
		t.Errorf("it was killed %d times", kills)
	}
	if got := output(t, d.Out); got != want {
		t.Errorf("killed, it writes\n%s\nwant\n%s", got, want)
	}
}
