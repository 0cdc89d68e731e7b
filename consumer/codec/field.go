package codec

// field is a native field, in the order of the event format, which is also the
// order in which faults are looked for and in which events are rendered.
type field uint8

const (
	fieldTime field = iota
	fieldPrincipal
	fieldFeature
	fieldOperation
	fieldID
	fieldScopes
	fieldDirection
	fieldSubject
	fieldGrantor
	fieldConsent
	fieldIndicator
	fieldOutcome
	fieldRecords
	fieldBytes
	fieldProbe
	fields = iota
)

var fieldNames = [fields]string{"time", "principal", "feature", "operation", "id", "scopes", "direction", "subject",
	"grantor", "consent", "indicator", "outcome", "records", "bytes", "probe"}

func (f field) String() string { return fieldNames[f] }

func fieldNamed(name string) (field, bool) {
	for f, known := range fieldNames {
		if known == name {
			return field(f), true
		}
	}
	return 0, false
}
