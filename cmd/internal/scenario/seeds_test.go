package scenario

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sunsetwatch/rules/model"
)

// regression is a random case that failed once. The folder testdata/seeds holds
// them: of each the seed, what it was, and the case itself as it was shrunk, so
// that it stays when the generator changes.
type regression struct {
	Seed uint64
	What string
	Case *model.Case `json:",omitempty"` // nil: the generator was wrong
}

func TestRegressions(t *testing.T) {
	names, err := filepath.Glob("testdata/seeds/*.json")
	if err != nil || len(names) < 12 {
		t.Fatal(len(names), "files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var r regression
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			if len(r.What) < 20 {
				t.Error("it does not say what it was")
			}
			if r.Case != nil {
				again(t, *r.Case)
			}
			c := model.Random(r.Seed)
			if diff := disagree(c); diff != "" && !c.Question.Files {
				t.Errorf("%s\nseed %d (-model +product):\n%s", r.What, r.Seed, diff)
			}
		})
	}
}

// again holds a case against the model and takes it all ways.
func again(t *testing.T, c model.Case) {
	t.Helper()
	if diff := disagree(c); diff != "" {
		t.Errorf("as known (-model +product):\n%s\n%s", diff, written(c))
	}
	if diff := disagreeAsThen(c); diff != "" {
		t.Errorf("as then (-model +product):\n%s\n%s", diff, written(c))
	}
	x, err := read(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range ways {
		want, got, err := way.both(x, rand.New(rand.NewPCG(c.Seed, 11)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcomes{})); diff != "" {
			t.Errorf("%s (-one way +the other):\n%s\n%s", way.name, diff, written(c))
		}
	}
}
