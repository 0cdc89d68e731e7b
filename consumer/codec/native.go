package codec

import "sunsetwatch/rules/access"

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

	var plain [5]bool
	ev.Principal, plain[0] = plainSpan(b, &slots[fieldPrincipal])
	ev.Feature, plain[1] = plainSpan(b, &slots[fieldFeature])
	ev.ID, plain[2] = plainSpan(b, &slots[fieldID])
	ev.Subject, plain[3] = plainSpan(b, &slots[fieldSubject])
	ev.Grantor, plain[4] = plainSpan(b, &slots[fieldGrantor])
	if plain != [5]bool{true, true, true, true, true} || ev.Principal == nil || ev.Feature == nil {
		return false
	}

	if !d.plainWords(b, slots) || !d.plainCounts(b, slots) {
		return false
	}

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

// plainSpan is the text of a name without escapes, nil where there is none; ok
// is false for all that is not so plain.
func plainSpan(b []byte, s *span) (text []byte, ok bool) {
	n := int(s.end) - int(s.start)
	if s.kind == kindString && n > 0 && n <= access.MaxNameBytes {
		return b[s.start:s.end:s.end], true
	}
	return nil, s.kind == kindAbsent
}

func (d *Decoder) plainWords(b []byte, slots *[fields]span) bool {
	ev := &d.event
	operation := &slots[fieldOperation]
	if operation.kind != kindString || operation.start == operation.end || slots[fieldProbe].kind != kindAbsent {
		return false
	}
	ev.Operation, _ = access.ParseOperation(b[operation.start:operation.end])
	direction, consent := &slots[fieldDirection], &slots[fieldConsent]
	indicator, outcome := &slots[fieldIndicator], &slots[fieldOutcome]
	ok := [4]bool{true, true, true, true}
	if direction.kind != kindAbsent {
		ev.Direction, ok[0] = access.ParseDirection(b[direction.start:direction.end])
		ok[0] = ok[0] && direction.kind == kindString
	}
	if consent.kind != kindAbsent {
		ev.Consent, ok[1] = access.ParseConsent(b[consent.start:consent.end])
		ok[1] = ok[1] && consent.kind == kindString
	}
	if indicator.kind != kindAbsent {
		ev.Indicator, ok[2] = access.ParseIndicator(b[indicator.start:indicator.end])
		ok[2] = ok[2] && indicator.kind == kindString
	}
	if outcome.kind != kindAbsent {
		ev.Outcome, ok[3] = access.ParseOutcome(b[outcome.start:outcome.end])
		ok[3] = ok[3] && outcome.kind == kindString
	}
	return ok == [4]bool{true, true, true, true}
}

func (d *Decoder) plainCounts(b []byte, slots *[fields]span) bool {
	ev := &d.event
	records, bytes := &slots[fieldRecords], &slots[fieldBytes]
	ok1, ok2 := true, true
	if records.kind != kindAbsent {
		ev.Records, ok1 = parseCount(b[records.start:records.end])
		ok1 = ok1 && records.kind == kindNumber
	}
	if bytes.kind != kindAbsent {
		ev.Bytes, ok2 = parseCount(b[bytes.start:bytes.end])
		ok2 = ok2 && bytes.kind == kindNumber
	}
	return ok1 && ok2
}
