package access

// Reason says why an event was rejected. It is closed: each value is a known
// label value of sunsetwatch_events_rejected_total.
type Reason uint8

// The reasons of rejection, in the order in which they are encoded in saved
// state: append, never reorder.
const (
	Syntax Reason = iota // not a JSON object, or not valid JSON
	DuplicateField
	MissingField
	BadType
	BadTime
	BadValue
	TooLong
	TooDeep
	InvalidUTF8
	Future   // event time more than FutureSlack after the record's timestamp
	TooLarge // the value is larger than MaxValueBytes
	Empty    // a tombstone
	Reasons  = iota
)

var reasonWords = [Reasons]string{"syntax", "duplicate_field", "missing_field", "bad_type", "bad_time", "bad_value",
	"too_long", "too_deep", "invalid_utf8", "future", "too_large", "empty"}

// String is the label value.
func (r Reason) String() string { return word(reasonWords[:], int(r)) }

// Limits of the event format.
const (
	MaxValueBytes = 1 << 20    // a larger record value is rejected as TooLarge
	MaxNameBytes  = 256        // a longer string of an event is rejected as TooLong
	MaxScopes     = 64         // more scopes are rejected as TooLong
	FutureSlack   = 5 * Minute // events further ahead of their record are rejected as Future
	LateSlack     = Hour       // events further behind their record are Late
)

// Skip says why records were lost to us. It is closed: each value is a known
// label value of sunsetwatch_offsets_skipped_total.
type Skip uint8

// The reasons of loss, in the order in which they are encoded in saved state:
// append, never reorder.
const (
	SkipRetention  Skip = iota // the broker deleted them before we read them
	SkipUnreadable             // corrupt on the broker, also when fetched again
	SkipTooLarge               // the batch inflates beyond the cap
	Skips          = iota
)

var skipWords = [Skips]string{"retention", "unreadable", "too_large"}

// String is the label value.
func (s Skip) String() string { return word(skipWords[:], int(s)) }

// Ignore says why offsets were rightly passed over. It is closed: each value
// is a known label value of sunsetwatch_offsets_ignored_total.
type Ignore uint8

// The reasons of passing over, in the order in which they are encoded in saved
// state: append, never reorder.
const (
	IgnoreControl   Ignore = iota // transaction markers
	IgnoreAborted                 // records of aborted transactions
	IgnoreCompacted               // offsets that hold no record any more
	Ignores         = iota
)

var ignoreWords = [Ignores]string{"control", "aborted", "compacted"}

// String is the label value.
func (i Ignore) String() string { return word(ignoreWords[:], int(i)) }

// Coverage says what became of every offset of a stretch of one source. For
// each stretch [first, next) of offsets:
//
//	next - first = Records + sum(Ignored) + sum(Skipped)
//
// and, of the events that the records held:
//
//	Events = counted + duplicate + sum(Rejected)
//
// where counted and duplicate are known to the fold. The zero value covers
// nothing.
type Coverage struct {
	Records  uint64 // records handed to the codec
	Events   uint64 // events read from them, rejected ones included
	Ignored  [Ignores]uint64
	Skipped  [Skips]uint64
	Rejected [Reasons]uint64
}

// Add adds what another stretch covers.
func (c *Coverage) Add(o *Coverage) {
	c.Records += o.Records
	c.Events += o.Events
	for i, n := range o.Ignored {
		c.Ignored[i] += n
	}
	for i, n := range o.Skipped {
		c.Skipped[i] += n
	}
	for i, n := range o.Rejected {
		c.Rejected[i] += n
	}
}

// Offsets is the number of offsets covered.
func (c *Coverage) Offsets() uint64 {
	n := c.Records
	for _, v := range c.Ignored {
		n += v
	}
	for _, v := range c.Skipped {
		n += v
	}
	return n
}

// Fingerprint recognises a record read before a saved position, so that a topic
// that was deleted and created again under the same name is not read on as if
// nothing had happened. The zero value means that there is no such record.
type Fingerprint struct {
	Offset    int64  // of the record; not always the position less one: markers and compacted offsets lie between
	Timestamp int64  // of the record, milliseconds since 1970
	CRC       uint32 // CRC-32C over key and value
	Known     bool
}
