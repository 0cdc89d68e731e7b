package ledger

import (
	"encoding/binary"
	"fmt"

	"sunsetwatch/rules/access"
)

// imported is what a live ledger began with.
type imported struct {
	// sources are the first ones of the ledger: those that were imported. 0:
	// nothing was.
	sources uint32
	// from is the instant from which on sources that came later count.
	from access.Instant
}

// Import makes l, which a Builder made, the beginning of a live ledger. What was
// read of a partition is read on from its position. Of sources that l has no
// position of, it counts what happened at from or later: events before from are
// taken to be in l, and are duplicates. No closing waits for sources of l that
// have no position, which are files: they are read to their end.
//
// from may be access.Beginning where all sources of l have positions. It fails
// where l holds an event of a file at from or later, which would be counted
// twice.
func (l *Ledger) Import(from access.Instant) error {
	if l.imported.sources > 0 || len(l.sources) == 0 {
		return fmt.Errorf("a ledger is imported once, and has sources")
	}
	for _, s := range l.sources {
		switch {
		case s.positioned():
		case from == access.Beginning:
			return fmt.Errorf("the facts of %s have no position in a topic: say from when on the topic counts", s.Name)
		case s.JudgedTo >= from:
			return fmt.Errorf("the facts of %s go to %s, and the topic is to count from %s on: what is between them would be counted twice. Make the ledger of what happened before only, with replay --to %s, or let the topic count from a later time on",
				s.Name, s.JudgedTo, from, from)
		}
	}
	for _, s := range l.sources {
		if s.positioned() {
			// What is counted from here on is counted from nothing.
			s.SourceStatus = SourceStatus{Source: s.Source, Start: s.Next, Next: s.Next, JudgedTo: s.JudgedTo}
		} else {
			s.Next = -1
		}
	}
	l.imported = imported{sources: uint32(len(l.sources)), from: from}
	return nil
}

// positioned reports whether s can be read on: a partition that was read to an
// offset.
func (s *SourceStatus) positioned() bool { return s.Topic != "" && s.Next >= 0 }

// fromOf is the instant from which on events of a source count.
func (i *imported) fromOf(id SourceID) access.Instant {
	if uint32(id) < i.sources || i.sources == 0 {
		return access.Beginning
	}
	return i.from
}

// done reports whether s is a file that was imported: no more of it will come.
func (i *imported) done(s *source) bool { return uint32(s.id) < i.sources && s.Next < 0 }

func (i *imported) append(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, int64(i.from)), uint64(i.sources))
}

func (d *decoder) imported() imported {
	return imported{from: access.Instant(d.varint()), sources: uint32(d.uvarint())}
}
