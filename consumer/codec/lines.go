package codec

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"sunsetwatch/rules/access"
)

// Decode reads one record's value per line of r and writes to w, a line each,
// every event as native JSON (AppendJSON) and every rejection
// (Rejection.AppendJSON). It counts the rejections. Blank lines at the end are
// skipped; a blank line before another line is rejected as empty. A line of
// more than 1 MiB is rejected as too_large and not kept. Lines have no key, no
// headers and no timestamp, so no event is rejected as future.
//
// The error is that of r or w.
func Decode(r io.Reader, w io.Writer, c *Compiled) (rejected int, err error) {
	in, out := bufio.NewReaderSize(r, 1<<16), bufio.NewWriterSize(w, 1<<16)
	var (
		d          = c.NewDecoder()
		record     = Record{Timestamp: access.End}
		line, text []byte
		blank      int
	)
	write := func(number int) {
		d.Reset(&record)
		for {
			ev, rej, ok := d.Next()
			if !ok {
				return
			}
			if text = text[:0]; ev != nil {
				text = AppendJSON(text, ev)
			} else {
				text = rej.AppendJSON(text, number)
				rejected++
			}
			out.Write(append(text, '\n')) // an error stays, for Flush to report
		}
	}
	for number := 1; ; number++ {
		var last error
		line, last = readLine(in, line[:0])
		if last != nil && !errors.Is(last, io.EOF) {
			out.Flush()
			return rejected, fmt.Errorf("reading line %d: %w", number, last)
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // some programs begin UTF-8 with it
		}
		if trimmed := bytes.Trim(line, " \t\r\n"); len(trimmed) == 0 {
			blank++
		} else {
			for ; blank > 0; blank-- {
				record.Value = nil
				write(number - blank)
			}
			record.Value = line
			write(number)
		}
		if last != nil {
			break
		}
	}
	if err := out.Flush(); err != nil {
		return rejected, fmt.Errorf("writing events: %w", err)
	}
	return rejected, nil
}

// readLine appends the next line to line, without its end. Of a line that is
// too large it keeps as much as shows that.
func readLine(in *bufio.Reader, line []byte) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
		}
		line = append(line, part[:min(len(part), access.MaxValueBytes+1-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
