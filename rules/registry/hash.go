package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"sunsetwatch/rules/access"
)

// Hash is the SHA-256 of what the set says, the same for the same content in
// other files or another order.
func (s *Snapshot) Hash() [32]byte { return s.hash }

func (s *Snapshot) digest() [32]byte {
	w := &digester{hash: sha256.New()}
	w.number(1) // of this encoding
	w.number(int64(len(s.partners)))
	for _, p := range s.partners {
		w.texts(p.Name, p.Owner, p.Team)
		w.number(int64(len(p.Principals)))
		for _, a := range p.Principals {
			w.texts(a.Principal)
			w.instants(a.From, a.Until)
		}
	}
	w.number(int64(len(s.programs)))
	for _, p := range s.programs {
		w.texts(p.Name, p.Owner, p.Team)
		w.history(p.history)
	}
	w.number(int64(len(s.retirements)))
	for i := range s.retirements {
		w.texts(s.retirements[i].name)
		w.history(s.retirements[i].history)
	}
	w.number(int64(len(s.registrations)))
	for _, r := range s.registrations {
		w.texts(r.Partner, r.Feature, r.Program)
		w.history(r.history)
	}
	w.flush()
	return [32]byte(w.hash.Sum(nil))
}

// digester encodes values so that no two sets have the same bytes: lengths come
// before what they count.
type digester struct {
	hash hash.Hash
	buf  []byte
}

func (w *digester) flush() {
	w.hash.Write(w.buf)
	w.buf = w.buf[:0]
}

func (w *digester) number(n int64) { w.buf = binary.AppendVarint(w.buf, n) }

func (w *digester) instants(all ...access.Instant) {
	for _, i := range all {
		w.number(int64(i))
	}
}

func (w *digester) texts(all ...string) {
	for _, s := range all {
		w.number(int64(len(s)))
		w.buf = append(w.buf, s...)
	}
	if len(w.buf) > 4096 {
		w.flush()
	}
}

func (w *digester) history(h history) {
	w.number(int64(len(h)))
	for i := range h {
		r := &h[i]
		w.instants(r.Recorded, r.Effective)
		w.texts(r.By, r.Reason, r.Ticket)
		w.number(int64(r.named))
		w.instants(r.from, r.sunset, r.deprecation)
		w.number(int64(r.grace))
		w.number(int64(len(r.pauses)))
		for _, p := range r.pauses {
			w.instants(p.From, p.Until)
			w.texts(p.Why)
		}
		w.number(grantLength(r.operations))
		for _, o := range r.operations {
			w.number(int64(o))
		}
		w.number(grantLength(r.scopes))
		w.texts(r.scopes...)
		if r.inbound {
			w.number(1)
		} else {
			w.number(0)
		}
		w.number(int64(r.requires))
	}
}

// grantLength tells "not restricted" (-1) from "grants nothing" (0).
func grantLength[T any](grant []T) int64 {
	if grant == nil {
		return -1
	}
	return int64(len(grant))
}
