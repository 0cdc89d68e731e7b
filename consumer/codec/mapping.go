package codec

// Mapping says where each native field of an event is found in a record; it is
// the `events` section of the configuration. The zero Mapping reads the native
// format: every field keeps its native name.
//
// A field without a rule has the type that the event format gives it. A field
// with a rule takes the text of any string, number or boolean.
type Mapping struct {
	// Fields maps a native field name (time, principal, ...) to its rule. A
	// native field without a rule keeps its native name; one with a rule is not
	// looked for under its native name any more.
	Fields map[string]Rule
	// Explode is the dotted path of an array of events; empty: the record is
	// one event. Inside an exploded record, paths are relative to the element.
	// A record without the array is rejected as missing_field; an empty array
	// holds no events. Bad elements are rejected one by one.
	Explode string
	// TimeFormat is rfc3339 (also when empty), unix, unix_ms, unix_us or
	// unix_ns. The unix formats take numbers, or strings that hold a number,
	// with a fraction down to the nanosecond and without an exponent.
	TimeFormat string
}

// Rule says where one field is found and how its text is translated. Const
// stands alone; Present and Absent do not go with Values and Default.
type Rule struct {
	// Path is a list of alternatives separated by `|`, the first that is there
	// wins: null and the empty string are not there. An alternative is a dotted
	// path (a.0.b indexes an array), header:NAME for a Kafka header, key for
	// the record's key, or =TEXT for a constant. A backslash takes the meaning
	// from the character after it: `a\.b` is one name, `\key` is a name too.
	// Empty: the native name.
	Path string
	// Values translates the text that was found; a text that it does not hold
	// becomes Default, or stays as it is where there is no Default. Of scopes,
	// each one is translated by itself.
	Values map[string]string
	// Default is used where the text is not in Values, or nothing is found.
	Default string
	// Present and Absent, when either is set, replace what was found: Present
	// if anything is there, of whatever type, Absent if nothing is.
	Present, Absent string
	// Const, when not empty, is the value of the field in every event.
	Const string
}
