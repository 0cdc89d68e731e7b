package codec

import (
	"bytes"
	"unicode/utf8"

	"sunsetwatch/rules/access"
)

// found is what a rule gives for one event: the text of a scalar, or an array.
type found struct {
	kind  kind // kindAbsent, kindString for any scalar, kindArray
	text  []byte
	at    int   // in the value; -1 elsewhere
	first int32 // kindArray: the first element
}

// fill makes d.event of what the scanner found, field by field.
func (d *Decoder) fill() bool {
	d.event = access.Event{Records: 1}
	d.scopes = d.scopes[:0]
	for f := range field(fields) {
		if direct := d.compiled.direct[f]; direct.slot >= 0 {
			item := &d.slots[direct.slot]
			if item.kind == kindAbsent {
				if f <= fieldOperation && !d.miss(f) {
					return false
				}
				continue
			}
			if direct.plain>>item.kind&1 != 0 && item.start < item.end {
				if !d.set(f, d.buf[item.start:item.end:item.end], int(item.start)) {
					return false
				}
				continue
			}
		}
		r := &d.compiled.rules[f]
		var x found
		ok := d.find(f, r, &x)
		switch {
		case !ok:
		case x.kind == kindAbsent:
			ok = d.miss(f)
		case f == fieldScopes:
			ok = d.setScopes(r, &x)
		default:
			ok = d.set(f, x.text, x.at)
		}
		if !ok {
			return false
		}
	}
	if len(d.scopes) > 0 {
		d.event.Scopes = d.scopes
	}
	return true
}

// miss is what becomes of an event without a field.
func (d *Decoder) miss(f field) bool {
	switch f {
	case fieldOperation:
		r := &d.compiled.rules[fieldProbe]
		var x found
		if d.find(fieldProbe, r, &x) && x.kind != kindAbsent {
			return true
		}
	case fieldTime, fieldPrincipal, fieldFeature:
	default:
		return true
	}
	why := "it is required, and not there: say under events.fields where it is"
	if path := d.compiled.rules[f].path; path != "" {
		why = "it is required, and there is nothing at " + path
	}
	return d.reject(f.String(), access.MissingField, -1, why)
}

// set parses the text of a field into d.event.
func (d *Decoder) set(f field, text []byte, at int) bool {
	ev := &d.event
	ok := true
	switch f {
	case fieldTime:
		return d.setTime(text, at)
	case fieldPrincipal:
		return d.setName(f, &ev.Principal, text, at)
	case fieldFeature:
		return d.setName(f, &ev.Feature, text, at)
	case fieldID:
		return d.setName(f, &ev.ID, text, at)
	case fieldSubject:
		return d.setName(f, &ev.Subject, text, at)
	case fieldGrantor:
		return d.setName(f, &ev.Grantor, text, at)
	case fieldScopes:
		return d.addScopes(text, at)
	case fieldOperation:
		ev.Operation, _ = access.ParseOperation(text)
	case fieldDirection:
		ev.Direction, ok = access.ParseDirection(text)
	case fieldConsent:
		ev.Consent, ok = access.ParseConsent(text)
	case fieldIndicator:
		ev.Indicator, ok = access.ParseIndicator(text)
	case fieldOutcome:
		ev.Outcome, ok = access.ParseOutcome(text)
	case fieldProbe:
		ev.Probe, ok = access.ParseProbe(text)
	case fieldRecords:
		ev.Records, ok = parseCount(text)
	case fieldBytes:
		ev.Bytes, ok = parseCount(text)
	}
	if ok {
		return true
	}
	return d.reject(f.String(), access.BadValue, at, badValues[f])
}

var badValues = [fields]string{
	fieldDirection: "must be out or in",
	fieldConsent:   "must be granted, absent or unknown",
	fieldIndicator: "must be shown, hidden or unset",
	fieldOutcome:   "must be served, denied or error",
	fieldProbe:     "must be enabled or disabled",
	fieldRecords:   "must be a whole number from 0 to 9223372036854775807, without point and exponent",
	fieldBytes:     "must be a whole number from 0 to 9223372036854775807, without point and exponent",
}

func (d *Decoder) setTime(text []byte, at int) bool {
	var (
		t   access.Instant
		ok  bool
		why = "must be an RFC 3339 time with a zone, with at most nine digits behind the second, of the years 1678 to 2261"
	)
	if d.compiled.unix < 0 {
		t, ok = d.days.rfc3339(text)
	} else {
		t, ok = sinceEpoch(text, d.compiled.unix)
		why = "must be a number of the unit that events.time_format says, at most to the nanosecond and without exponent, of the years 1678 to 2261"
	}
	if !ok {
		return d.reject(fieldTime.String(), access.BadTime, at, why)
	}
	if t > d.until {
		return d.reject(fieldTime.String(), access.Future, at, "is after the start of this run")
	}
	if d.ahead(t) {
		return d.reject(fieldTime.String(), access.Future, at, "is more than 5 minutes after the record's timestamp")
	}
	d.event.Time = t
	return true
}

// ahead reports whether t is in the future of the record, or of the run.
func (d *Decoder) ahead(t access.Instant) bool {
	stamp := d.record.Timestamp
	return t > d.until || stamp != access.End && t-access.FutureSlack > stamp
}

// behind reports whether the record was written long after t.
func (d *Decoder) behind(t access.Instant) bool {
	stamp := d.record.Timestamp
	return stamp != access.End && t+access.LateSlack < stamp
}

func (d *Decoder) setName(f field, to *[]byte, text []byte, at int) bool {
	if len(text) > access.MaxNameBytes {
		return d.reject(f.String(), access.TooLong, at, "is longer than 256 bytes")
	}
	*to = text
	return true
}

// setScopes takes all scopes of an event.
func (d *Decoder) setScopes(r *rule, x *found) bool {
	if x.kind != kindArray {
		return d.translateEach(r, x.text, x.at)
	}
	for i := int(x.first); ; i++ {
		item := &d.items[i]
		switch {
		case item.kind == kindEnd:
			return true
		case item.kind == kindNull || item.kind == kindString && item.start == item.end:
			continue
		case r.accepts>>item.kind&1 == 0:
			return d.reject(fieldScopes.String(), access.BadType, int(item.start), r.wants)
		}
		text, at := d.textOf(item), int(item.start)
		ok := true
		if !r.mapped {
			ok = d.addScope(text, at)
		} else if to, translated := r.translate(text); translated {
			ok = d.addScopes(to, at)
		} else {
			ok = d.addScope(text, at)
		}
		if !ok {
			return false
		}
	}
}

// translateEach adds the scopes of a text with spaces.
func (d *Decoder) translateEach(r *rule, text []byte, at int) bool {
	if r.values == nil && r.fallback == nil {
		return d.addScopes(text, at)
	}
	for len(text) > 0 {
		one := text
		if i := bytes.IndexByte(text, ' '); i >= 0 {
			one, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if len(one) == 0 {
			continue
		}
		one, _ = r.translate(one)
		if !d.addScopes(one, at) {
			return false
		}
	}
	return true
}

// addScopes adds the scopes of a text with spaces.
func (d *Decoder) addScopes(text []byte, at int) bool {
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != ' ' {
			continue
		}
		if start < i && !d.addScope(text[start:i], at) {
			return false
		}
		start = i + 1
	}
	return true
}

// addScope keeps d.scopes sorted and without repeats.
func (d *Decoder) addScope(scope []byte, at int) bool {
	if len(scope) > access.MaxNameBytes {
		return d.reject(fieldScopes.String(), access.TooLong, at, "a scope is longer than 256 bytes")
	}
	i := len(d.scopes)
	for i > 0 {
		order := bytes.Compare(d.scopes[i-1], scope)
		if order == 0 {
			return true
		}
		if order < 0 {
			break
		}
		i--
	}
	if len(d.scopes) == access.MaxScopes {
		return d.reject(fieldScopes.String(), access.TooLong, at, "there are more than 64 scopes")
	}
	d.scopes = append(d.scopes, scope)
	for last := len(d.scopes) - 1; last > i; last-- {
		d.scopes[last], d.scopes[last-1] = d.scopes[last-1], d.scopes[last]
	}
	return true
}

// find applies the rule of a field.
func (d *Decoder) find(f field, r *rule, x *found) bool {
	x.at = -1
	for i := range r.sources {
		if !d.look(f, r, &r.sources[i], x) {
			return false
		}
		if x.kind != kindAbsent {
			break
		}
	}
	switch {
	case !r.mapped:
		return true
	case r.switched && x.kind != kindAbsent:
		x.kind, x.text = kindString, r.present
	case r.switched:
		x.kind, x.text = kindString, r.absent
	case x.kind == kindAbsent:
		x.kind, x.text = kindString, r.fallback
	case x.kind == kindString && f != fieldScopes:
		x.text, _ = r.translate(x.text)
	}
	if x.kind == kindString && len(x.text) == 0 {
		x.kind = kindAbsent
	}
	return true
}

// translate is the text that stands for the one that was found.
func (r *rule) translate(text []byte) (to []byte, translated bool) {
	if to, ok := r.values[string(text)]; ok {
		return to, true
	}
	if r.fallback != nil {
		return r.fallback, true
	}
	return text, false
}

// look gives what is there at one source; x stays as it is where there is
// nothing.
func (d *Decoder) look(f field, r *rule, s *source, x *found) bool {
	switch s.from {
	case fromText:
		x.kind, x.text = kindString, s.text
		return true
	case fromKey:
		return d.outside(f, d.record.Key, "the record's key is not valid UTF-8", x)
	case fromHeader:
		var value []byte
		seen := false
		for i := range d.record.Headers {
			h := &d.record.Headers[i]
			if string(h.Key) != s.header {
				continue
			}
			if seen {
				return d.reject(f.String(), access.DuplicateField, -1, "the header "+s.header+" is there twice")
			}
			value, seen = h.Value, true
		}
		return d.outside(f, value, "a header is not valid UTF-8", x)
	}
	item := &d.slots[s.slot]
	if item.kind == kindAbsent || item.kind == kindNull || item.kind == kindString && item.start == item.end {
		return true
	}
	x.at = int(item.start)
	switch {
	case r.accepts>>item.kind&1 != 0:
		x.kind, x.text = kindString, d.textOf(item)
	case f == fieldScopes && item.kind == kindArray:
		x.kind, x.first = kindArray, item.first
	case r.switched:
		x.kind = item.kind
	default:
		return d.reject(f.String(), access.BadType, x.at, r.wants)
	}
	return true
}

// outside gives a text from outside the value.
func (d *Decoder) outside(f field, text []byte, invalid string, x *found) bool {
	if !utf8.Valid(text) {
		return d.reject(f.String(), access.InvalidUTF8, -1, invalid)
	}
	if len(text) > 0 {
		x.kind, x.text = kindString, text
	}
	return true
}

// textOf is the text of a scalar.
func (d *Decoder) textOf(s *span) []byte {
	if s.kind != kindEscaped {
		return d.buf[s.start:s.end:s.end]
	}
	start, end := d.unescape(d.buf[s.start:s.end])
	return d.arena[start:end:end]
}
