package codec

import (
	"encoding/binary"

	"sunsetwatch/rules/access"
)

// fillNative is fill for the native format and events without surprises: it
// fills what fill would, or returns false where fill has to look, be it only to
// say what is wrong.
func (d *Decoder) fillNative() bool {
	if len(d.slots) < fields || d.compiled.unix >= 0 {
		return false
	}
	slots, b := (*[fields]span)(d.slots), d.buf
	ev := &d.event
	*ev = access.Event{Records: 1}

	at := &slots[fieldTime]
	if at.kind != kindString {
		return false
	}
	var ok bool
	if ev.Time, ok = d.days.rfc3339(b[at.start:at.end]); !ok || d.ahead(ev.Time) {
		return false
	}

	var ok1, ok2, ok3, ok4, ok5 bool
	ev.Principal, ok1 = plainSpan(b, &slots[fieldPrincipal])
	ev.Feature, ok2 = plainSpan(b, &slots[fieldFeature])
	ev.ID, ok3 = plainSpan(b, &slots[fieldID])
	ev.Subject, ok4 = plainSpan(b, &slots[fieldSubject])
	ev.Grantor, ok5 = plainSpan(b, &slots[fieldGrantor])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || ev.Principal == nil || ev.Feature == nil {
		return false
	}
	return d.plainWords(b, slots) && d.plainCounts(b, slots) && d.plainScopes(b, slots)
}

// plainSpan is the text of a name without escapes, nil where there is none; ok
// is false for all that is not so plain.
func plainSpan(b []byte, s *span) (text []byte, ok bool) {
	n := int(s.end) - int(s.start)
	if s.kind == kindString && n > 0 && n <= access.MaxNameBytes {
		return b[s.start:s.end:s.end], true
	}
	return nil, s.kind == kindAbsent
}

func (d *Decoder) plainScopes(b []byte, slots *[fields]span) bool {
	ev := &d.event
	d.scopes = d.scopes[:0]
	switch item := &slots[fieldScopes]; item.kind {
	case kindAbsent:
		return true
	case kindArray:
		for i := int(item.first); d.items[i].kind != kindEnd; i++ {
			scope, ok := plainSpan(b, &d.items[i])
			if !ok || scope == nil || !d.addScope(scope, 0) {
				return false
			}
		}
	default:
		return false
	}
	if len(d.scopes) > 0 {
		ev.Scopes = d.scopes
	}
	return true
}

func (d *Decoder) plainWords(b []byte, slots *[fields]span) bool {
	w := &d.compiled.words
	if slots[fieldOperation].kind == kindAbsent || slots[fieldProbe].kind != kindAbsent {
		return false
	}
	operation, ok1 := w.operation.plain(b, &slots[fieldOperation])
	direction, ok2 := w.direction.plain(b, &slots[fieldDirection])
	consent, ok3 := w.consent.plain(b, &slots[fieldConsent])
	indicator, ok4 := w.indicator.plain(b, &slots[fieldIndicator])
	outcome, ok5 := w.outcome.plain(b, &slots[fieldOutcome])
	ev := &d.event
	ev.Operation, ev.Direction = access.Operation(operation), access.Direction(direction)
	ev.Consent, ev.Indicator = access.Consent(consent), access.Indicator(indicator)
	ev.Outcome = access.Outcome(outcome)
	return ok1 && ok2 && ok3 && ok4 && ok5
}

func (d *Decoder) plainCounts(b []byte, slots *[fields]span) bool {
	ev := &d.event
	records, bytes := &slots[fieldRecords], &slots[fieldBytes]
	ok1, ok2 := true, true
	if records.kind != kindAbsent {
		ev.Records, ok1 = plainCount(b, records)
	}
	if bytes.kind != kindAbsent {
		ev.Bytes, ok2 = plainCount(b, bytes)
	}
	return ok1 && ok2
}

// plainCount is parseCount for a number in b, and quicker where it is short.
func plainCount(b []byte, s *span) (uint64, bool) {
	start, n := int(s.start), int(s.end-s.start)
	if s.kind != kindNumber {
		return 0, false
	}
	if n > 8 || start > len(b)-8 {
		return parseCount(b[s.start:s.end])
	}
	w := binary.LittleEndian.Uint64(b[start:])
	return numberOf(w, n), n > 0 && leadingDigits(w) >= n && (b[start] != '0' || n == 1)
}
