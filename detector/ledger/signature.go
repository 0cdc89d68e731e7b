package ledger

import (
	"encoding/binary"

	"github.com/dchest/siphash"

	"sunsetwatch/rules/access"
)

// Signature is the same of equal events (same id, same content) and, but for
// chance, of no others. It is a keyed hash of 16 bytes.
type Signature struct{ seen }

// Signer makes signatures under a key.
//
// Concurrency: one goroutine.
type Signer struct {
	people0, people1 uint64
	ids0, ids1       uint64
	key              []byte
}

// NewSigner is a Signer under k.
func NewSigner(k Key) *Signer {
	s := &Signer{}
	s.people0, s.people1 = k.halves(0)
	s.ids0, s.ids1 = k.halves(1)
	return s
}

// Sign is the signature of an event; the zero value where it has no id.
func (s *Signer) Sign(ev *access.Event) Signature {
	if len(ev.ID) == 0 {
		return Signature{}
	}
	person := func(name []byte) uint64 {
		if len(name) == 0 {
			return 0
		}
		return siphash.Hash(s.people0, s.people1, name)
	}
	subject, grantor := person(ev.Subject), person(ev.Grantor)
	s.key = appendKey(s.key[:0], ev, ev.Relation())
	id := nonZero(siphash.Hash(s.ids0, s.ids1, ev.ID))
	return Signature{seen{id, contentHash(s.ids0, id, siphash.Hash(s.ids0, s.ids1, s.key),
		subject, grantor, ev.Time, ev.Records, ev.Bytes, ev.Probe)}}
}

// Recent recognises repeated events among the last Window events of a source, as
// a Fold does.
type Recent struct{ window window }

// Add takes one event in and reports whether it repeats an earlier one.
func (r *Recent) Add(s Signature) (duplicate bool) {
	duplicate, _ = r.window.add(s.seen)
	return duplicate
}

// Signatures is a set of signatures, of 16 bytes and a little room each.
type Signatures struct {
	n     int
	slots []seen // open addressing; the zero value is empty
}

// Add adds a signature and reports whether it is in the set already. That of an
// event without an id never is.
func (s *Signatures) Add(x Signature) (known bool) {
	if x.seen == (seen{}) {
		return false
	}
	if 8*s.n >= 7*len(s.slots) {
		s.grow()
	}
	if !s.put(x.seen) {
		return true
	}
	s.n++
	return false
}

func (s *Signatures) put(x seen) bool {
	mask := uint64(len(s.slots) - 1)
	i := x.event & mask
	for ; s.slots[i] != (seen{}); i = (i + 1) & mask {
		if s.slots[i] == x {
			return false
		}
	}
	s.slots[i] = x
	return true
}

func (s *Signatures) grow() {
	old := s.slots
	s.slots = make([]seen, max(1024, 2*len(old)))
	for _, x := range old {
		if x != (seen{}) {
			s.put(x)
		}
	}
}

// Append appends the set, for Load.
func (s *Signatures) Append(b []byte) []byte {
	for _, x := range s.slots {
		if x != (seen{}) {
			b = appendSeen(b, []seen{x})
		}
	}
	return b
}

// Load adds what Append appended.
func (s *Signatures) Load(b []byte) {
	for ; len(b) >= 16; b = b[16:] {
		s.Add(Signature{seenIn(b)})
	}
}

// Append appends what is recognised, for Load.
func (r *Recent) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, r.window.next)
	return appendSeen(b, r.window.ring)
}

// Load takes up what Append appended, before anything is added.
func (r *Recent) Load(b []byte) {
	if len(b) < 8 {
		return
	}
	next := binary.BigEndian.Uint64(b)
	var ring []seen
	for b = b[8:]; len(b) >= 16; b = b[16:] {
		ring = append(ring, seenIn(b))
	}
	if len(ring) != Window {
		ring = nil
	}
	r.window.restore(ring, next)
}

func seenIn(b []byte) seen { return seen{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])} }
