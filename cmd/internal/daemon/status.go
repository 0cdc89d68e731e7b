package daemon

import (
	"encoding/hex"
	"sync"
	"time"

	"sunsetwatch/cmd/internal/web"
	"sunsetwatch/detector/ledger/store"
)

// status is what the judging goroutine tells the status page.
type status struct {
	mu sync.Mutex
	condition
}

// condition is the content of a status.
type condition struct {
	restored     store.Report
	lastSave     time.Time // zero: none
	saveFailures uint64
	saveError    error
	lastReload   time.Time // the last that was good
	reloadError  error
}

func (s *status) get() condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.condition
}

func (s *status) restoredFrom(r store.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restored = r
}

func (s *status) restoredSave(stamp []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastSave.UnmarshalText(stamp)
}

// saved notes a save and reports whether it went otherwise than the one before.
func (s *status) saved(at time.Time, err error) (turned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	turned = (err == nil) != (s.saveError == nil)
	s.saveError = err
	if err != nil {
		s.saveFailures++
	} else {
		s.lastSave = at
	}
	return turned
}

func (s *status) reloaded(at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reloadError = err
	if err == nil {
		s.lastReload = at
	}
}

// statusNow is the answer of /api/v1/status.
func (d *instance) statusNow() web.Status {
	c := d.status.get()
	state := d.published.Load()
	hash := state.Registrations.Hash()
	now := d.Now()
	return web.Status{
		Build:         web.BuildStatus(d.Build),
		StartedAt:     d.started.UTC(),
		Uptime:        now.Sub(d.started).Seconds(),
		ConfigFile:    d.ConfigFile,
		Registrations: web.RegistrationsStatus{Count: len(state.Registrations.Registrations()), SHA256: hex.EncodeToString(hash[:])},
		JudgedAt:      web.Time(state.At),
		Ledger:        web.LedgerStatus{Cells: state.Cells, Bytes: state.Bytes, UnregisteredPrincipals: state.UnregisteredPrincipals},
		State: web.StateStatus{
			Directory:    d.Config.StateDir,
			Restored:     restoredSentence(c.restored),
			LastSave:     given(c.lastSave),
			SaveFailures: c.saveFailures,
			SaveError:    text(c.saveError),
		},
		Reload:     web.ReloadStatus{LastSuccess: given(c.lastReload), Successful: c.reloadError == nil, Error: text(c.reloadError)},
		Topics:     web.Topics(state.Sources),
		Partitions: web.Partitions(d.partitions()),
	}
}

func restoredSentence(r store.Report) string {
	if r.Detail != "" {
		return r.Detail
	}
	return "from " + r.From.String()
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func text(err error) *string {
	if err == nil {
		return nil
	}
	s := err.Error()
	return &s
}
