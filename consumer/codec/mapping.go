package codec

// Mapping says where each native field of an event is found in a record; it is
// the `events` section of the configuration. The zero Mapping reads the native
// format: every field keeps its native name.
type Mapping struct {
	// Fields maps a native field name (time, principal, ...) to its rule. A
	// native field without a rule keeps its native name.
	Fields map[string]Rule
	// Explode is the dotted path of an array of events; empty: the record is
	// one event. Inside an exploded record, paths are relative to the element.
	Explode string
	// TimeFormat is rfc3339 (also when empty), unix, unix_ms, unix_us or unix_ns.
	TimeFormat string
}

// Rule says where one field is found and how its text is translated.
type Rule struct {
	// Path is a list of alternatives separated by `|`, the first that is there
	// wins. An alternative is a dotted path (a.0.b indexes an array),
	// header:NAME for a Kafka header, key for the record's key, or =TEXT for a
	// constant.
	Path string
	// Values translates the text that was found.
	Values map[string]string
	// Default is used where the text is not in Values, or nothing is found.
	Default string
	// Present and Absent, when either is set, replace what was found: Present
	// if anything is there, Absent if nothing is.
	Present, Absent string
	// Const, when not empty, is the value of the field in every event.
	Const string
}
