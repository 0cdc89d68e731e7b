package table

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Limits far above what Write makes, so that a small file cannot ask for much
// memory.
const (
	maxFooterBytes = 64 << 20
	maxHeaderBytes = 64 << 10
	maxPageBytes   = 64 << 20
	maxPageValues  = 4 << 20
)

// checkFooter walks the footer before anything is decoded of it.
func checkFooter(f io.ReaderAt, size int64) error {
	const tail = 8 // the length of the footer, and PAR1
	var end [tail]byte
	if size < tail {
		return errors.New("it is too short")
	}
	if err := readFull(f, end[:], size-tail); err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if string(end[4:]) != "PAR1" || length > size-tail || length > maxFooterBytes {
		return errors.New("its end is not that of a Parquet file")
	}
	footer := make([]byte, length)
	if err := readFull(f, footer, size-tail-length); err != nil {
		return err
	}
	_, err := structLength(footer)
	return err
}

// readFull fills b from an offset.
func readFull(f io.ReaderAt, b []byte, offset int64) error {
	n, err := f.ReadAt(b, offset)
	if n == len(b) {
		return nil
	}
	return fmt.Errorf("%d bytes from %d on cannot be read: %w", len(b), offset, err)
}

// checkSchema holds the columns, as the footer writes them down, against those of
// Write. The library believes what it says of the type of a column, and where two
// places say different things takes numbers for addresses.
func checkSchema(meta *format.FileMetaData) error {
	var empty bytes.Buffer
	if err := parquet.NewGenericWriter[row](&empty, newSchema()).Close(); err != nil {
		return err
	}
	file, err := openFile(bytes.NewReader(empty.Bytes()), int64(empty.Len()))
	if err != nil {
		return err
	}
	want := file.Metadata().Schema
	if !reflect.DeepEqual(meta.Schema, want) {
		return fmt.Errorf("its columns are not those of format %d", Format)
	}
	var types []format.Type
	for i := range want {
		if want[i].NumChildren.V == 0 {
			types = append(types, want[i].Type.V)
		}
	}
	for i := range meta.RowGroups {
		columns := meta.RowGroups[i].Columns
		if len(columns) != len(types) {
			return fmt.Errorf("row group %d has %d columns", i, len(columns))
		}
		for j := range columns {
			if columns[j].MetaData.Type != types[j] {
				return fmt.Errorf("row group %d, column %d: its type is %s", i, j, columns[j].MetaData.Type)
			}
		}
	}
	return nil
}

// checkPages walks the headers of all pages before anything is read of them,
// since the library asks for the memory that they name. What Write does not make,
// such as other codecs, encodings and kinds of pages, is refused.
func checkPages(f io.ReaderAt, size int64, meta *format.FileMetaData) error {
	header := make([]byte, maxHeaderBytes)
	for i := range meta.RowGroups {
		for j := range meta.RowGroups[i].Columns {
			if err := checkChunk(header, f, size, &meta.RowGroups[i].Columns[j].MetaData); err != nil {
				return fmt.Errorf("row group %d, column %d: %w", i, j, err)
			}
		}
	}
	return nil
}

func checkChunk(header []byte, f io.ReaderAt, size int64, c *format.ColumnMetaData) error {
	from := c.DataPageOffset
	if c.DictionaryPageOffset != 0 {
		from = c.DictionaryPageOffset
	}
	if from < 0 || c.TotalCompressedSize < 0 || c.TotalCompressedSize > size || from > size-c.TotalCompressedSize {
		return errors.New("it lies outside of the file")
	}
	if c.Codec != format.Snappy {
		return fmt.Errorf("it is compressed with %s, not with Snappy", c.Codec)
	}
	var protocol thrift.CompactProtocol
	for at, end := from, from+c.TotalCompressedSize; at < end; {
		head := header[:min(int64(len(header)), end-at)]
		if err := readFull(f, head, at); err != nil {
			return err
		}
		n, err := structLength(head)
		if err != nil {
			return err
		}
		var h format.PageHeader
		if err := thrift.NewDecoder(protocol.NewReaderFromBytes(head[:n])).Decode(&h); err != nil {
			return err
		}
		at += int64(n)
		if h.CompressedPageSize < 0 || int64(h.CompressedPageSize) > end-at {
			return errors.New("a page goes past its end")
		}
		if err := checkPage(&h, io.NewSectionReader(f, at, int64(h.CompressedPageSize))); err != nil {
			return err
		}
		at += int64(h.CompressedPageSize)
	}
	return nil
}

// checkPage holds the header of a page against the limits, and its size against
// that with which its Snappy block begins.
func checkPage(h *format.PageHeader, page *io.SectionReader) error {
	levels, values, encoding, compressed := int64(0), int32(0), format.Plain, true
	switch {
	case h.Type == format.DictionaryPage && h.DictionaryPageHeader.Valid:
		values, encoding = h.DictionaryPageHeader.V.NumValues, h.DictionaryPageHeader.V.Encoding
	case h.Type == format.DataPageV2 && h.DataPageHeaderV2.Valid:
		v := &h.DataPageHeaderV2.V
		values, encoding = v.NumValues, v.Encoding
		compressed = !v.IsCompressed.Valid || v.IsCompressed.V
		if v.RepetitionLevelsByteLength < 0 || v.DefinitionLevelsByteLength < 0 {
			return errors.New("levels of negative length")
		}
		levels = int64(v.RepetitionLevelsByteLength) + int64(v.DefinitionLevelsByteLength)
	default:
		return errors.New("a page of a kind that sunsetwatch does not write")
	}
	switch {
	case encoding != format.Plain && encoding != format.RLE && encoding != format.RLEDictionary:
		return fmt.Errorf("a page is encoded as %s, which sunsetwatch does not write", encoding)
	case h.UncompressedPageSize < 0 || h.UncompressedPageSize > maxPageBytes || values < 0 || values > maxPageValues || levels > page.Size():
		return fmt.Errorf("a page of %d bytes and %d values, larger than any that sunsetwatch writes", h.UncompressedPageSize, values)
	case !compressed || levels == page.Size():
		return nil
	}
	var block [binary.MaxVarintLen64]byte
	n, err := page.ReadAt(block[:], levels)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if inflated, _ := binary.Uvarint(block[:n]); inflated > uint64(h.UncompressedPageSize) {
		return fmt.Errorf("a page of %d bytes inflates to %d", h.UncompressedPageSize, inflated)
	}
	return nil
}
