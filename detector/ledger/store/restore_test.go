package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// directory is a fresh one with the two files given, nil for none.
func directory(t testing.TB, file, copied []byte) string {
	t.Helper()
	dir := t.TempDir()
	if file != nil {
		writeFile(t, filepath.Join(dir, fileName), file)
	}
	if copied != nil {
		writeFile(t, filepath.Join(dir, copyName), copied)
	}
	return dir
}

func names(t testing.TB, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, n := range list {
		all = append(all, n.Name())
	}
	return strings.Join(all, " ")
}

func TestWhereTheStateComesFrom(t *testing.T) {
	dir := t.TempDir()
	_, whole := savedStates(t, dir, 5, 3)
	copied := readFile(t, filepath.Join(dir, copyName))
	bad := []byte("this is not a state")
	cut := whole[:usedLength(t, whole)-1]
	const aside = ".damaged-20260102T120000Z"

	for _, test := range []struct {
		name         string
		file, copied []byte
		from         Origin
		state        int // -1: empty
		lost         bool
		names        string
	}{
		{"first start", nil, nil, FromNothing, -1, false, "lock state.db"},
		{"all is well", whole, copied, FromFile, 5, false, "lock state.db state.db.copy"},
		{"without a copy", whole, nil, FromFile, 5, false, "lock state.db"},
		{"the copy is damaged, which is not looked at", whole, bad, FromFile, 5, false, "lock state.db state.db.copy"},
		{"missing", nil, copied, FromCopy, 3, false, "lock state.db state.db.copy"},
		{"damaged", bad, copied, FromCopy, 3, false, "lock state.db state.db.copy state.db" + aside},
		{"empty", []byte{}, copied, FromCopy, 3, false, "lock state.db state.db.copy state.db" + aside},
		{"cut off", cut, copied, FromCopy, 3, false, "lock state.db state.db.copy state.db" + aside},
		{"damaged, without a copy", cut, nil, FromNothing, -1, true, "lock state.db state.db" + aside},
		{"missing, and the copy is damaged", nil, cut, FromNothing, -1, true, "lock state.db state.db.copy" + aside},
		{"both damaged", cut, bad, FromNothing, -1, true, "lock state.db state.db.copy" + aside + " state.db" + aside},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := directory(t, test.file, test.copied)
			s := open(t, dir)
			r := s.Report()
			if r.From != test.from || r.Lost() != test.lost {
				t.Errorf("report %+v, lost %t", r, r.Lost())
			}
			if quiet := test.from == FromFile || test.name == "first start"; quiet != (r.Detail == "") {
				t.Errorf("detail %q", r.Detail)
			}
			if n := load(t, s).number(t); n != test.state {
				t.Errorf("state %d, want %d", n, test.state)
			}
			if got := sorted(names(t, dir)); got != sorted(test.names) {
				t.Errorf("files %s, want %s", got, test.names)
			}
			// It can be saved to, and is found again.
			save(t, s, load(t, s).changes(stateOf(20)))
			if err := s.Copy(); err != nil {
				t.Error(err)
			}
			closeStore(t, s)
			s = open(t, dir)
			if r := s.Report(); r.From != FromFile || r.Detail != "" || r.Damaged != nil {
				t.Errorf("report after a save %+v", r)
			}
			if n := load(t, s).number(t); n != 20 {
				t.Errorf("state %d after a save, want 20", n)
			}
		})
	}
}

func sorted(names string) string {
	all := strings.Fields(names)
	for i := range all {
		for j := range i {
			if all[i] < all[j] {
				all[i], all[j] = all[j], all[i]
			}
		}
	}
	return strings.Join(all, " ")
}

// Whoever refuses to go on without a state must hear of it again at the next
// start, until something is saved.
func TestLossIsRememberedUntilTheNextSave(t *testing.T) {
	dir := directory(t, []byte("bad"), nil)
	closeStore(t, open(t, dir))
	s := open(t, dir)
	if r := s.Report(); !r.Lost() || r.Detail == "" || len(r.Damaged) != 1 {
		t.Errorf("report %+v", r)
	}
	if err := s.Copy(); err != nil {
		t.Error(err)
	}
	if strings.Contains(names(t, dir), copyName) {
		t.Error("a state that was never saved was copied")
	}
	save(t, s, contents{}.changes(stateOf(1)))
	closeStore(t, s)
	s = open(t, dir)
	if r := s.Report(); r.Lost() || r.Detail != "" {
		t.Errorf("report after a save %+v", r)
	}
}

func TestDamagedFilesNeverReplaceEachOther(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		writeFile(t, filepath.Join(dir, fileName), fmt.Appendf(nil, "bad %d", i))
		closeStore(t, open(t, dir))
	}
	for i, suffix := range []string{"", "-2", "-3"} {
		got := readFile(t, filepath.Join(dir, fileName+".damaged-20260102T120000Z"+suffix))
		if string(got) != fmt.Sprintf("bad %d", i) {
			t.Errorf("%q is kept as %q", got, suffix)
		}
	}
}

func TestOneDamagedMetaPageIsReported(t *testing.T) {
	_, last := savedStates(t, t.TempDir(), 5, 0)
	for page := range 2 {
		bad := append([]byte(nil), last...)
		bad[page*1024+40] ^= 4
		s := open(t, directory(t, bad, nil))
		r := s.Report()
		if n := load(t, s).number(t); r.From != FromFile || r.Detail == "" || n < 4 {
			t.Errorf("page %d: state %d, report %+v", page, n, r)
		}
		save(t, s, load(t, s).changes(stateOf(6)))
		save(t, s, stateOf(6).changes(stateOf(7)))
		closeStore(t, s)
	}
	// Only the empty state from before the first save is left: that is a loss.
	before, first := savedStates(t, t.TempDir(), 1, 0)
	if before != nil {
		t.Fatal("there is a save before the first one")
	}
	outcomes := map[bool]int{}
	for page := range 2 {
		bad := append([]byte(nil), first...)
		bad[page*1024+40] ^= 4
		s := open(t, directory(t, bad, nil))
		r := s.Report()
		outcomes[r.Lost()]++
		if n := load(t, s).number(t); r.Lost() != (n == -1) {
			t.Errorf("state %d, report %+v", n, r)
		}
	}
	if outcomes[true] != 1 || outcomes[false] != 1 {
		t.Error(outcomes)
	}
}

// The whole way, with bbolt opening what was let through.
func TestDamagedFileOnDisk(t *testing.T) {
	dir := t.TempDir()
	before, last := savedStates(t, dir, 6, 3)
	copied := readFile(t, filepath.Join(dir, copyName))
	used, newest := usedLength(t, last), newestMeta(before, last)
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 4))
	const perPage = 2
	try := func(what string, file []byte, exact ...int) {
		t.Helper()
		dir := directory(t, file, copied)
		s := open(t, dir)
		n := load(t, s).number(t)
		switch r := s.Report(); r.From {
		case FromFile:
			if n != exact[0] && n != exact[len(exact)-1] {
				t.Errorf("%s: state %d from the file", what, n)
			}
		case FromCopy:
			if n != 3 || len(r.Damaged) != 1 || r.Detail == "" {
				t.Errorf("%s: state %d, report %+v", what, n, r)
			}
		default:
			t.Errorf("%s: report %+v", what, r)
		}
		save(t, s, load(t, s).changes(stateOf(9)))
		save(t, s, stateOf(9).changes(stateOf(10))) // now both meta pages are new
		checkWithBolt(t, s)
		closeStore(t, s)
	}
	for page := range used / 1024 {
		for range perPage {
			bit := page*8192 + rng.IntN(8192)
			if rng.IntN(2) == 0 {
				bit = page*8192 + rng.IntN(8*64)
			}
			last[bit/8] ^= 1 << (bit % 8)
			exact := []int{6}
			if page == newest {
				exact = []int{6, 5}
			}
			try(fmt.Sprintf("bit %d", bit), last, exact...)
			last[bit/8] ^= 1 << (bit % 8)
		}
		try(fmt.Sprintf("cut after page %d", page), last[:page*1024], 6)
		n := page*1024 + rng.IntN(1024)
		try(fmt.Sprintf("cut after byte %d", n), last[:n], 6)
	}
}

// Where a changed byte in the tree is let through, bbolt must make the same of
// it when it saves: its own check is not as strict as its code assumes.
func TestAcceptedDamageIsHarmless(t *testing.T) {
	dir := t.TempDir()
	before, last := savedStates(t, dir, 9, 0)
	newest := newestMeta(before, last)
	var inUse []int
	s := open(t, dir)
	err := s.db.View(func(tx *bbolt.Tx) error {
		for id := 0; ; id++ {
			page, err := tx.Page(id)
			if page == nil || err != nil {
				return err
			}
			if page.Type != "free" {
				for i := range page.OverflowCount + 1 {
					inUse = append(inUse, id+i)
				}
				id += page.OverflowCount
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 6))
	tried, accepted := 0, 0
	for _, page := range inUse {
		length := len(strings.TrimRight(string(last[page*1024:(page+1)*1024]), "\x00"))
		for at := page * 1024; at < page*1024+length; at++ {
			if rng.IntN(8) > 0 || testing.Short() && rng.IntN(4) > 0 {
				continue
			}
			was := last[at]
			last[at] ^= byte(1 + rng.IntN(255))
			want := []int{9}
			if page == newest {
				want = []int{9, 8}
			}
			tried++
			if verifyBytes(t, last, fmt.Sprintf("byte %d", at), want...) == 9 {
				accepted++
				s := open(t, directory(t, last, nil))
				save(t, s, stateOf(9).changes(stateOf(10)))
				if n := load(t, s).number(t); n != 10 {
					t.Fatalf("byte %d: state %d after a save", at, n)
				}
				save(t, s, stateOf(10).changes(stateOf(11)))
				checkWithBolt(t, s)
				closeStore(t, s)
			}
			last[at] = was
		}
	}
	t.Logf("%d bytes of %d pages changed, %d accepted", tried, len(inUse), accepted)
}

func TestNewerFormatIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	savedStates(t, dir, 3, 2)
	path := filepath.Join(dir, fileName)
	rewriteHeader(t, path, Format+1)
	newer := readFile(t, path)
	copied := readFile(t, filepath.Join(dir, copyName))

	check := func(dir string) {
		t.Helper()
		was := names(t, dir)
		_, err := Open(dir, Options{Now: noon, KeyID: testKeyID})
		if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), fmt.Sprintf("format %d", Format+1)) {
			t.Errorf("error %v", err)
		}
		if got := names(t, dir); got != was && got != "lock "+was {
			t.Errorf("files %s, before %s", got, was)
		}
	}
	check(dir)
	if string(readFile(t, path)) != string(newer) || string(readFile(t, filepath.Join(dir, copyName))) != string(copied) {
		t.Error("a file was changed")
	}
	check(directory(t, nil, newer))
	check(directory(t, []byte("damaged"), newer)) // which would be set aside, were it not for the copy
}

// rewriteHeader makes a header of another version, as a future format might:
// longer, and with a bucket that is not known today.
func rewriteHeader(t *testing.T, path string, version uint32) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // both meta pages
		err = db.Update(func(tx *bbolt.Tx) error {
			if _, err := tx.CreateBucketIfNotExists([]byte("future")); err != nil {
				return err
			}
			sealed := binary.BigEndian.AppendUint32(make([]byte, checksumBytes), version)
			sealed = append(sealed, "something else altogether"...)
			seal(sealed, []byte(headerKey))
			return tx.Bucket([]byte(headerBucket)).Put([]byte(headerKey), sealed)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFormatZeroIsDamage(t *testing.T) {
	dir := t.TempDir()
	savedStates(t, dir, 3, 2)
	rewriteHeader(t, filepath.Join(dir, fileName), 0)
	if r := open(t, dir).Report(); r.From != FromCopy {
		t.Errorf("report %+v", r)
	}
}

func TestOtherSubjectKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	savedStates(t, dir, 3, 2)
	check := func() {
		t.Helper()
		was := names(t, dir)
		_, err := Open(dir, Options{Now: noon, KeyID: "ffffffff"})
		if !errors.Is(err, ErrOtherKey) || !strings.Contains(err.Error(), testKeyID) || !strings.Contains(err.Error(), "ffffffff") {
			t.Errorf("error %v", err)
		}
		if got := names(t, dir); got != was {
			t.Errorf("files %s, before %s", got, was)
		}
	}
	check()
	writeFile(t, filepath.Join(dir, fileName), []byte("damaged"))
	check() // the copy is of the same key
}

func TestHalfMadeFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	savedStates(t, dir, 3, 2)
	for _, name := range []string{fileName, copyName} {
		writeFile(t, filepath.Join(dir, name+newName), []byte("half"))
	}
	s := open(t, dir)
	if got := names(t, dir); got != "lock state.db state.db.copy" || s.Report().From != FromFile {
		t.Errorf("files %s, report %+v", got, s.Report())
	}
}

func TestUnreadableFileIsNotDamage(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := t.TempDir()
	savedStates(t, dir, 3, 2)
	path := filepath.Join(dir, fileName)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Now: noon, KeyID: testKeyID}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
	if got := names(t, dir); got != "lock state.db state.db.copy" {
		t.Errorf("files %s", got)
	}
}
