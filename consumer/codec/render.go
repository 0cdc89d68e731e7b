package codec

import (
	"strconv"
	"unicode/utf8"

	"sunsetwatch/rules/access"
)

// AppendJSON appends an event as one object of the native format, its fields in
// the order of the event format, the time in UTC. Defaults are filled in, and
// scopes are always there; id, subject, grantor and probe only where the event
// has them. What it appends decodes to the same event.
func AppendJSON(dst []byte, ev *access.Event) []byte {
	dst = append(dst, `{"time":"`...)
	dst = ev.Time.Time().AppendFormat(dst, "2006-01-02T15:04:05.999999999Z07:00")
	dst = append(dst, '"')
	dst = appendField(dst, fieldPrincipal, ev.Principal)
	dst = appendField(dst, fieldFeature, ev.Feature)
	dst = appendField(dst, fieldOperation, ev.Operation.String())
	if len(ev.ID) > 0 {
		dst = appendField(dst, fieldID, ev.ID)
	}
	dst = append(appendName(dst, fieldScopes), '[')
	for i, scope := range ev.Scopes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, scope)
	}
	dst = append(dst, ']')
	dst = appendField(dst, fieldDirection, ev.Direction.String())
	if len(ev.Subject) > 0 {
		dst = appendField(dst, fieldSubject, ev.Subject)
	}
	if len(ev.Grantor) > 0 {
		dst = appendField(dst, fieldGrantor, ev.Grantor)
	}
	dst = appendField(dst, fieldConsent, ev.Consent.String())
	dst = appendField(dst, fieldIndicator, ev.Indicator.String())
	dst = appendField(dst, fieldOutcome, ev.Outcome.String())
	dst = strconv.AppendUint(appendName(dst, fieldRecords), ev.Records, 10)
	dst = strconv.AppendUint(appendName(dst, fieldBytes), ev.Bytes, 10)
	if ev.Probe != access.NoProbe {
		dst = appendField(dst, fieldProbe, ev.Probe.String())
	}
	return append(dst, '}')
}

// AppendJSON appends r as {"rejected":"REASON","detail":"...","line":N}.
func (r *Rejection) AppendJSON(dst []byte, line int) []byte {
	dst = append(dst, `{"rejected":`...)
	dst = appendString(dst, r.Reason.String())
	dst = append(dst, `,"detail":`...)
	dst = appendString(dst, r.Detail)
	dst = append(dst, `,"line":`...)
	dst = strconv.AppendInt(dst, int64(line), 10)
	return append(dst, '}')
}

func appendName(dst []byte, f field) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, f.String()...)
	return append(dst, `":`...)
}

func appendField[T string | []byte](dst []byte, f field, text T) []byte {
	return appendString(appendName(dst, f), text)
}

// appendString appends text as a JSON string. What is not valid UTF-8 becomes
// U+FFFD: a configured path in a detail may hold anything.
func appendString[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, size := utf8.DecodeRuneInString(string(text[i:min(i+utf8.UTFMax, len(text))]))
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		i++
	}
	return append(dst, '"')
}
