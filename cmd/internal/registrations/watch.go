package registrations

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How a change of files is noticed: at once where the system tells of it, and
// by looking now and then, since network file systems do not tell.
const (
	settle = 200 * time.Millisecond // an editor or a deployment writes several files
	look   = 30 * time.Second
)

// Watch calls changed after what the files of paths hold has changed from last,
// until ctx is done. It compares content, so that a touched file changes nothing.
func Watch(ctx context.Context, paths func() []string, last Sum, changed func()) {
	events, errors := make(<-chan fsnotify.Event), make(<-chan error)
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		// The directory is watched, since files are replaced by renaming and
		// mounted ones by moving a link. What cannot be watched is looked at.
		for _, path := range paths() {
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				path = filepath.Dir(path)
			}
			_ = w.Add(path)
		}
		events, errors = w.Events, w.Errors
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	// Once at the beginning, for what changed before it was watched.
	settled := time.NewTimer(settle)
	defer settled.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			settled.Reset(settle)
			continue
		case <-errors:
		case <-settled.C:
		case <-tick.C:
		}
		if now := SumOf(paths()); now != last {
			last = now
			changed()
		}
	}
}
