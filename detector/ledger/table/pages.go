package table

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Limits of a page, far above what Write makes, so that a small file cannot ask
// for much memory.
const (
	maxPageBytes  = 64 << 20
	maxPageValues = 4 << 20
)

// checkPages walks the headers of all pages before anything is read of them,
// since the library asks for the memory that they name. What Write does not make,
// such as other codecs, encodings and kinds of pages, is refused.
func checkPages(f io.ReaderAt, size int64, meta *format.FileMetaData) error {
	var protocol thrift.CompactProtocol
	for i := range meta.RowGroups {
		for j := range meta.RowGroups[i].Columns {
			if err := checkChunk(&protocol, f, size, &meta.RowGroups[i].Columns[j].MetaData); err != nil {
				return fmt.Errorf("row group %d, column %d: %w", i, j, err)
			}
		}
	}
	return nil
}

func checkChunk(protocol *thrift.CompactProtocol, f io.ReaderAt, size int64, c *format.ColumnMetaData) error {
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
	chunk := io.NewSectionReader(f, from, c.TotalCompressedSize)
	in := bufio.NewReaderSize(chunk, 4096)
	decoder := thrift.NewDecoder(protocol.NewReader(in))
	for {
		read, err := chunk.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if read-int64(in.Buffered()) == chunk.Size() {
			return nil
		}
		var h format.PageHeader
		if err := decoder.Decode(&h); err != nil {
			return err
		}
		if read, err = chunk.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		at := read - int64(in.Buffered())
		if h.CompressedPageSize < 0 || int64(h.CompressedPageSize) > chunk.Size()-at {
			return errors.New("a page goes past its end")
		}
		if err := checkPage(&h, io.NewSectionReader(chunk, at, int64(h.CompressedPageSize))); err != nil {
			return err
		}
		if _, err := chunk.Seek(at+int64(h.CompressedPageSize), io.SeekStart); err != nil {
			return err
		}
		in.Reset(chunk)
	}
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
	case encoding != format.Plain && encoding != format.RLE && encoding != format.RLEDictionary && encoding != format.PlainDictionary:
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
