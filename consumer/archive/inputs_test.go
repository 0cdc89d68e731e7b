package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sunsetwatch/consumer/codec"
)

func TestInputs(t *testing.T) {
	line := []byte(minimal + "\n")
	dir := write(t, map[string][]byte{
		"a/2.jsonl": line, "a/1.jsonl": append(line, line...), "a/b/3.jsonl.gz": packGzip(t, line, 100), "a/.hidden": line, "a/.git/x": line,
		"a/_SUCCESS": nil, "a/b/empty": nil, "hidden/.only": line, "literal[1]": line, "c1": line, "c2": line,
	})
	if err := os.Mkdir(filepath.Join(dir, "nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, link := range [][2]string{{"a/1.jsonl", "soft"}, {"nowhere", "dangling"}} {
		if err := os.Symlink(filepath.Join(dir, link[0]), filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "a/1.jsonl"), filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "a/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		inputs  []string
		want    []string // paths
		skipped []string
		err     string // "" : none
	}{
		"file":             {inputs: []string{"a/2.jsonl"}, want: []string{"a/2.jsonl"}},
		"as given":         {inputs: []string{"./a//2.jsonl"}, want: []string{"./a//2.jsonl"}},
		"directory":        {inputs: []string{"a"}, want: []string{"a/1.jsonl", "a/2.jsonl", "a/b/3.jsonl.gz", "a/b/empty"}, skipped: []string{"a/.git", "a/.hidden", "a/_SUCCESS", "a/fifo"}},
		"glob":             {inputs: []string{"a/*.jsonl"}, want: []string{"a/1.jsonl", "a/2.jsonl"}},
		"glob of all":      {inputs: []string{"a/b/*", "c?"}, want: []string{"a/b/3.jsonl.gz", "a/b/empty", "c1", "c2"}},
		"glob of folders":  {inputs: []string{"a/[b]"}, want: []string{"a/b/3.jsonl.gz", "a/b/empty"}},
		"name like a glob": {inputs: []string{"literal[1]"}, want: []string{"literal[1]"}},
		"order as given":   {inputs: []string{"c2", "c1"}, want: []string{"c2", "c1"}},
		"none":             {err: "no input"},
		"missing":          {inputs: []string{"x.jsonl"}, err: "x.jsonl: there is no such file or directory"},
		"all problems":     {inputs: []string{"x.jsonl", "a/2.jsonl", "y*"}, err: "x.jsonl: there is no such file or directory\ny*: the pattern matches no file to read"},
		"dangling":         {inputs: []string{"dangling"}, err: "dangling: there is no such file or directory"},
		"empty directory":  {inputs: []string{"nothing"}, err: "nothing: the directory is empty"},
		"hidden alone":     {inputs: []string{"hidden"}, err: "hidden: the directory holds no files to read"},
		"bad pattern":      {inputs: []string{"[x"}, err: "[x: the pattern is not well-formed"},
		"two stars":        {inputs: []string{"a/**"}, err: "a/**: ** is not known here"},
		"given twice":      {inputs: []string{"c1", "c1"}, err: "c1: given twice (inputs 1 and 2)"},
		"twice by path":    {inputs: []string{"c1", "./c1"}, err: "c1 and ./c1 are the same file"},
		"twice by folder":  {inputs: []string{"a/2.jsonl", "a"}, err: "a/2.jsonl: given twice"},
		"symbolic link":    {inputs: []string{"a/1.jsonl", "soft"}, err: "a/1.jsonl and soft are the same file: its events would be counted twice"},
		"hard link":        {inputs: []string{"hard", "a/1.jsonl"}, err: "hard and a/1.jsonl are the same file"},
		"no stdin":         {inputs: []string{"-"}, err: "-: there is no standard input"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(dir)
			a, err := Open(context.Background(), Options{Inputs: test.inputs, Mapping: mapping(t, codec.Mapping{})})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			var got []string
			for _, in := range a.Inputs() {
				got = append(got, in.Path)
			}
			if !slices.Equal(got, test.want) || !slices.Equal(a.Skipped(), test.skipped) {
				t.Errorf("got %q, skipped %q, want %q, %q", got, a.Skipped(), test.want, test.skipped)
			}
		})
	}
}

// Nobody waits for what a pipe may hold to hear what is wrong anyhow.
func TestProblemsBeforeStreams(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	_, err = Open(context.Background(), Options{Inputs: []string{"-", "missing.jsonl"}, Stdin: in, Mapping: mapping(t, codec.Mapping{})})
	if err == nil || err.Error() != "missing.jsonl: there is no such file or directory" {
		t.Error(err)
	}
}

// Of many inputs with the same problem the first are told, and how many there are.
func TestManyProblems(t *testing.T) {
	files := map[string][]byte{}
	for i := range 100 {
		files[fmt.Sprintf("%03d", i)] = []byte("BZh9")
	}
	dir := write(t, files)
	_, err := Open(context.Background(), Options{Inputs: []string{dir}, Mapping: mapping(t, codec.Mapping{})})
	if err == nil || strings.Count(err.Error(), "\n") != 20 || !strings.HasPrefix(err.Error(), dir+"/000: it is packed with bzip2") || !strings.HasSuffix(err.Error(), "\nand 80 more like these") {
		t.Error(err)
	}
	for name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(minimal), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err = Open(context.Background(), Options{Inputs: []string{dir, dir}, Mapping: mapping(t, codec.Mapping{})})
	if err == nil || strings.Count(err.Error(), "\n") != 20 || !strings.HasSuffix(err.Error(), "\nand 80 more like these") {
		t.Error(err)
	}
}

// However many goroutines are to read, few files are open.
func TestOpenFiles(t *testing.T) {
	files := map[string][]byte{}
	for i := range 2 * mostOpen {
		files[fmt.Sprint(i)] = []byte(minimal)
	}
	a, err := Open(context.Background(), Options{Inputs: []string{write(t, files)}, Mapping: mapping(t, codec.Mapping{}), Workers: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if n := len(a.handles.files); n > mostOpen {
		t.Errorf("%d files are open", n)
	}
}

func TestUnreadable(t *testing.T) {
	dir := write(t, map[string][]byte{"a": []byte(minimal)})
	if err := os.Chmod(dir+"/a", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Open(dir + "/a"); err == nil {
		t.Skip("this user may read everything")
	}
	if _, err := Open(context.Background(), Options{Inputs: []string{dir + "/a"}, Mapping: mapping(t, codec.Mapping{})}); err == nil || !strings.Contains(err.Error(), dir+"/a: permission denied") {
		t.Error(err)
	}
}

// The content says what a file is, not its name.
func TestFormatByContent(t *testing.T) {
	line := []byte(minimal + "\n")
	for name, test := range map[string]struct {
		content []byte
		asked   Format
		want    string
		err     string
	}{
		"plain":             {content: line, want: "jsonl"},
		"empty":             {want: "jsonl"},
		"gzip":              {content: packGzip(t, line, 100), want: "jsonl.gz"},
		"zstd":              {content: packZstd(t, line, 100), want: "jsonl.zst"},
		"skippable first":   {content: append([]byte("\x5a\x2a\x4d\x18\x02\x00\x00\x00hi"), packZstd(t, line, 100)...), want: "jsonl.zst"},
		"parquet":           {content: packParquet(t, records(3, 1, false)), want: "parquet"},
		"gzip asked jsonl":  {content: packGzip(t, line, 100), asked: JSONL, want: "jsonl.gz"},
		"not parquet":       {content: line, asked: Parquet, err: "it is not Parquet"},
		"empty no parquet":  {asked: Parquet, err: "it is not Parquet"},
		"parquet as jsonl":  {content: packParquet(t, records(3, 1, false)), asked: JSONL, err: "it is Parquet, and the format asked for is jsonl"},
		"avro":              {content: []byte("Obj\x01xxxxxxxxxxxxxx"), err: "it is an Avro file"},
		"zip":               {content: []byte("PK\x03\x04xxxxxxxxx"), err: "it is a zip file"},
		"UTF-16":            {content: []byte("\xff\xfe{\x00"), err: "it is UTF-16"},
		"dictionary needed": {content: []byte("\x28\xb5\x2f\xfd\x01\x00\x07\x01\x00\x00"), err: "needs a zstd dictionary"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"f.txt": test.content})
			a, err := Open(context.Background(), Options{Inputs: []string{dir + "/f.txt"}, Format: test.asked, Mapping: mapping(t, codec.Mapping{})})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), dir+"/f.txt: ") || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if got := a.Inputs()[0]; got.Format != test.want || got.Bytes != int64(len(test.content)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Streams are read as files are.
func TestStreams(t *testing.T) {
	text := jsonl(records(300, 11, true))
	want := naive(t, text, mapping(t, codec.Mapping{}), 0)
	for name, content := range map[string][]byte{"plain": text, "gzip": packGzip(t, text, 5000), "zstd": packZstd(t, text, 5000)} {
		got := readAll(t, Options{Inputs: []string{"-"}, Stdin: strings.NewReader(string(content))}, nil)
		if d := differ(got.lines[0], want); d != "" || got.counts.Bytes != int64(len(content)) {
			t.Errorf("%s: %s %+v", name, d, got.counts)
		}
		cut := readAll(t, Options{Inputs: []string{"-"}, Stdin: strings.NewReader(string(content[:len(content)-9]))}, nil)
		if name != "plain" && (len(cut.damage) != 1 || !cut.damage[0].Truncated || !strings.Contains(cut.damage[0].Error(), "- is cut off")) {
			t.Errorf("%s: %v", name, cut.damage)
		}
		if len(cut.lines[0]) > len(want) || name != "plain" && !slices.Equal(cut.lines[0], want[:len(cut.lines[0])]) {
			t.Errorf("%s: %s", name, differ(cut.lines[0], want))
		}
	}
	_, err := Open(context.Background(), Options{Inputs: []string{"-"}, Stdin: strings.NewReader("PAR1...."), Mapping: mapping(t, codec.Mapping{})})
	if err == nil || !strings.Contains(err.Error(), "give the path of a file") {
		t.Error(err)
	}

	// A named pipe, as of a process substitution.
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(dir+"/pipe", text, 0) }()
	got := readAll(t, Options{Inputs: []string{dir + "/pipe"}}, nil)
	if d := differ(got.lines[0], want); d != "" {
		t.Error(d)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// Who waits for a pipe, to be opened or to give something, waits until the context
// ends and no longer.
func TestPipeIsInterrupted(t *testing.T) {
	for _, c := range []struct {
		name  string
		open  bool // somebody has it open for writing
		bytes string
		read  bool
	}{
		{"no writer", false, "", false},
		{"no byte", true, "", false},
		{"half a magic", true, "{", false},
		{"half a line", true, minimal + "\n{\"time\":", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir() + "/pipe"
			if err := unix.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			open := func() *os.File {
				w, err := os.OpenFile(path, os.O_RDWR, 0) // waits for nobody
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
			if c.open {
				w := open()
				defer w.Close()
				if _, err := w.WriteString(c.bytes); err != nil {
					t.Fatal(err)
				}
			}
			a, err := Open(ctx, Options{Inputs: []string{path}, Mapping: mapping(t, codec.Mapping{})})
			if !c.open {
				open().Close() // lets go of who waited
			}
			if c.read {
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				_, err = a.Read(ctx, a.Parts()[0], &told{})
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What changes while it is read is noticed.
func TestFileChanges(t *testing.T) {
	text := jsonl(records(300, 12, false))
	dir := write(t, map[string][]byte{"f": text})
	open := func() *Archive {
		a, err := Open(context.Background(), Options{Inputs: []string{dir + "/f"}, Mapping: mapping(t, codec.Mapping{}), Chunk: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	defer a.Close()
	a.handles.close()
	f, err := os.OpenFile(dir+"/f", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(text) // what is appended later is not read
	f.Close()
	var sum Counts
	for _, p := range a.Parts() {
		c, err := a.Read(context.Background(), p, &tally{})
		if err != nil {
			t.Fatal(err)
		}
		sum.Add(&c)
	}
	if sum.Events != 300 {
		t.Errorf("%+v", sum)
	}
	b := open()
	defer b.Close()
	b.handles.close()
	if err := os.WriteFile(dir+"/g", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"/g", dir+"/f"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(context.Background(), b.Parts()[0], &tally{}); err == nil || !strings.Contains(err.Error(), "was replaced or cut since it was opened") {
		t.Error(err)
	}
}
