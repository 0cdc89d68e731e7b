package codec

import (
	"encoding/binary"

	"sunsetwatch/rules/access"
)

// words are the words of a closed field by value, each packed into a number:
// one comparison tells whether it is the one.
type words []uint64

// closedWords are the words of the fields that are a choice of few.
type closedWords struct {
	operation, direction, consent, indicator, outcome words
}

func newClosedWords() closedWords {
	return closedWords{
		operation: packAll(func(v uint8) string { return access.Operation(v).String() }),
		direction: packAll(func(v uint8) string { return access.Direction(v).String() }),
		consent:   packAll(func(v uint8) string { return access.Consent(v).String() }),
		indicator: packAll(func(v uint8) string { return access.Indicator(v).String() }),
		outcome:   packAll(func(v uint8) string { return access.Outcome(v).String() }),
	}
}

// packAll packs the words of the values from 0 to the first that is invalid. A
// word of more than eight bytes is never found by its number.
func packAll(word func(value uint8) string) words {
	var all words
	for value := uint8(0); word(value) != "invalid"; value++ {
		var packed [8]byte
		copy(packed[:], word(value))
		if len(word(value)) > len(packed) {
			packed = [8]byte{}
		}
		all = append(all, binary.LittleEndian.Uint64(packed[:]))
	}
	return all
}

// plain is the value of a word that stands in b without escapes: 0, which is
// the default of every closed field, where there is none. ok is false for all
// that is not so plain.
func (w words) plain(b []byte, s *span) (value uint8, ok bool) {
	if s.kind != kindString {
		return 0, s.kind == kindAbsent
	}
	start, n := int(s.start), uint(s.end-s.start)
	if n-1 >= 8 || start > len(b)-8 {
		return 0, false
	}
	packed := binary.LittleEndian.Uint64(b[start:]) & (1<<(8*n) - 1) // never zero: a string holds no zero bytes
	for i, known := range w {
		if known == packed {
			return uint8(i), true
		}
	}
	return 0, false
}
