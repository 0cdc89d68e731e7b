package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"sunsetwatch/rules/access"
)

// footerMost is how large the description of a Parquet file may be.
const footerMost = 64 << 20

// footer is what is needed of the description of a Parquet file.
type footer struct {
	rows   int64
	leaves []leaf
	groups []rowGroup
}

// leaf is a column of the schema.
type leaf struct {
	path     []string
	physical format.Type
	unit     int64 // nanoseconds of a unit of a TIMESTAMP; 0: it is none
	zone     bool  // the TIMESTAMP is adjusted to UTC
	unsigned bool
	strange  string // what it is, where it is no text, number or boolean
	maxDef   int
	maxRep   int
	repDef   int // definition level of the innermost part that repeats
}

func (l *leaf) name() string { return strings.Join(l.path, ".") }

// rowGroup is a row group with its column chunks, by leaf.
type rowGroup struct {
	rows   int64
	chunks []chunk
}

// chunk is a column of a row group.
type chunk struct {
	from, to int64 // in the file
	values   int64
	codec    format.CompressionCodec
	nulls    int64
	min, max []byte
}

// readFooter reads the description of a Parquet file.
func readFooter(r io.ReaderAt, size int64) (f *footer, err error) {
	const frame = 8 // length and magic number at the end
	var end [frame]byte
	if size < frame+4 {
		return nil, errors.New("it is cut off: a Parquet file has its description at its end")
	}
	if _, err := span(r, end[:], size-frame, size); err != nil {
		return nil, err
	}
	switch string(end[4:]) {
	case "PAR1":
	case "PARE":
		return nil, errors.New("it is an encrypted Parquet file, which is not read: decrypt it first")
	default:
		return nil, errors.New("it is cut off: a Parquet file has its description at its end, and this one has none")
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-frame-4 {
		return nil, errThrift
	}
	if length > footerMost {
		return nil, fmt.Errorf("its description takes %d MiB, at most %d are read: write fewer columns or larger row groups", length>>20, footerMost>>20)
	}
	b, err := span(r, nil, size-frame-length, size-frame)
	if err != nil {
		return nil, err
	}
	if _, err = checkFooter(b); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil { // of the library
			f, err = nil, fmt.Errorf("%w (%v)", errThrift, p)
		}
	}()
	var meta format.FileMetaData
	var protocol thrift.CompactProtocol
	if err := thrift.NewDecoder(protocol.NewReaderFromBytes(b)).Decode(&meta); err != nil {
		return nil, fmt.Errorf("%w (%w)", errThrift, err)
	}
	if meta.EncryptionAlgorithm.Value != nil {
		return nil, errors.New("it is a Parquet file with encrypted columns, which is not read: decrypt it first")
	}
	return footerOf(&meta, size)
}

// footerOf takes over what is needed, checked.
func footerOf(meta *format.FileMetaData, size int64) (*footer, error) {
	f := &footer{}
	if _, err := f.addLeaves(meta.Schema, 0, nil, 0, 0, 0, 0); err != nil {
		return nil, err
	}
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if g.NumRows < 0 || len(g.Columns) != len(f.leaves) || f.rows+g.NumRows < f.rows {
			return nil, fmt.Errorf("%w (row group %d)", errThrift, i)
		}
		group := rowGroup{rows: g.NumRows, chunks: make([]chunk, len(f.leaves))}
		for j := range g.Columns {
			m := &g.Columns[j].MetaData
			c := chunk{from: m.DataPageOffset, values: m.NumValues, codec: m.Codec,
				nulls: m.Statistics.NullCount, min: m.Statistics.MinValue, max: m.Statistics.MaxValue}
			if d := m.DictionaryPageOffset; d > 0 && d < c.from {
				c.from = d
			}
			c.to = c.from + m.TotalCompressedSize
			if c.from < 4 && g.NumRows > 0 || m.TotalCompressedSize < 0 || c.to < c.from || c.to > size || c.values < 0 ||
				g.Columns[j].FilePath != "" || m.Type != f.leaves[j].physical {
				return nil, fmt.Errorf("%w (row group %d, column %s)", errThrift, i, f.leaves[j].name())
			}
			group.chunks[j] = c
		}
		f.rows += g.NumRows
		f.groups = append(f.groups, group)
	}
	return f, nil
}

// addLeaves adds the columns below element i of the schema, and gives the element
// behind them.
func (f *footer) addLeaves(schema []format.SchemaElement, i int, path []string, def, rep, repDef, depth int) (int, error) {
	if i >= len(schema) || depth > 64 {
		return 0, fmt.Errorf("%w (schema)", errThrift)
	}
	e := &schema[i]
	if depth > 0 {
		path = append(path[:len(path):len(path)], e.Name)
		switch {
		case !e.RepetitionType.Valid || e.RepetitionType.V == format.Required:
		case e.RepetitionType.V == format.Optional:
			def++
		case e.RepetitionType.V == format.Repeated:
			def, rep, repDef = def+1, rep+1, def+1
		}
	}
	i++
	if e.Type.Valid && depth > 0 {
		f.leaves = append(f.leaves, leafOf(e, path, def, rep, repDef))
		return i, nil
	}
	var err error
	for n := e.NumChildren.V; n > 0 && err == nil; n-- {
		i, err = f.addLeaves(schema, i, path, def, rep, repDef, depth+1)
	}
	return i, err
}

// convertedWords are the old annotations that no value of an event is read from.
var convertedWords = map[deprecated.ConvertedType]string{deprecated.Map: "MAP", deprecated.MapKeyValue: "MAP", deprecated.List: "LIST",
	deprecated.Decimal: "DECIMAL", deprecated.Date: "DATE", deprecated.TimeMillis: "TIME", deprecated.TimeMicros: "TIME",
	deprecated.Bson: "BSON", deprecated.Interval: "INTERVAL"}

func leafOf(e *format.SchemaElement, path []string, def, rep, repDef int) leaf {
	l := leaf{path: path, physical: e.Type.V, maxDef: def, maxRep: rep, repDef: repDef}
	logical := ""
	switch t := e.LogicalType.Value.(type) {
	case nil:
		if !e.ConvertedType.Valid {
			break
		}
		switch e.ConvertedType.V {
		case deprecated.UTF8, deprecated.Enum, deprecated.Json, deprecated.Int8, deprecated.Int16, deprecated.Int32, deprecated.Int64:
		case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
			l.unsigned = true
		case deprecated.TimestampMillis:
			l.unit, l.zone = 1e6, true
		case deprecated.TimestampMicros:
			l.unit, l.zone = 1e3, true
		default:
			logical = convertedWords[e.ConvertedType.V]
			if logical == "" {
				logical = "of an unknown type"
			}
		}
	case *format.StringType, *format.EnumType, *format.JsonType:
	case *format.IntType:
		l.unsigned = !t.IsSigned
	case *format.TimestampType:
		l.zone = t.IsAdjustedToUTC
		switch t.Unit.Value.(type) {
		case *format.MilliSeconds:
			l.unit = 1e6
		case *format.MicroSeconds:
			l.unit = 1e3
		case *format.NanoSeconds:
			l.unit = 1
		default:
			logical = t.String()
		}
	default:
		logical = t.String()
	}
	switch {
	case logical != "":
		l.strange = logical
	case l.physical == format.ByteArray || l.physical == format.Boolean || l.physical == format.Int32 || l.physical == format.Int64:
	default:
		l.strange = l.physical.String()
	}
	if l.unit != 0 && l.physical != format.Int64 {
		l.strange, l.unit = "TIMESTAMP of "+l.physical.String(), 0
	}
	return l
}

// group is what is known of a row group without reading its columns.
type group struct {
	first, rows int64
	// The earliest and the latest event in it; from Beginning to End where that is
	// not known.
	from, to access.Instant
}

// cutParquet looks for the columns that are needed, and cuts a file between its
// row groups.
func (a *Archive) cutParquet(in *input, h *handle) error {
	f, err := readFooter(h.file, in.Bytes)
	if err != nil {
		return err
	}
	h.meta = f
	b, err := a.bind(f.leaves)
	if err != nil {
		return err
	}
	in.binding, in.Rows, in.Absent = b, f.rows, b.absent
	first := int64(0)
	for i := range f.groups {
		g := &f.groups[i]
		from, to := a.times(b, f.leaves, g)
		in.groups = append(in.groups, group{first: first, rows: g.rows, from: from, to: to})
		part := Part{First: first}
		for _, p := range b.places {
			if p.leaf >= 0 {
				if codec := g.chunks[p.leaf].codec; g.rows > 0 && !inflatable(codec) {
					return fmt.Errorf("column %s is compressed with %s, which is not read: write it with zstd, snappy, gzip or lz4_raw", f.leaves[p.leaf].name(), codec)
				}
				part.Bytes += g.chunks[p.leaf].to - g.chunks[p.leaf].from
			}
		}
		in.parts = append(in.parts, part)
		first += g.rows
	}
	return nil
}

// inflatable reports whether pages of a codec are read.
func inflatable(codec format.CompressionCodec) bool {
	switch codec {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Lz4Raw, format.Zstd:
		return true
	}
	return false
}

// footerOf gives the description of an input that is open.
func (in *input) footer(h *handle) (*footer, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if h.meta == nil {
		f, err := readFooter(h.file, in.Bytes)
		if err != nil {
			return nil, err
		}
		h.meta = f
	}
	return h.meta, nil
}
