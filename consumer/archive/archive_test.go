package archive

import (
	"fmt"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sunsetwatch/consumer/codec"
)

// The same events in every format give the same, wherever parts begin and however
// many read them.
func TestFormatsAgree(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 600
	}
	all := records(n, 1, true)
	text := jsonl(all)
	want := naive(t, text, mapping(t, codec.Mapping{}), someNow)
	dir := write(t, map[string][]byte{
		"plain":     text,
		"gzip":      packGzip(t, text, 100_000),
		"zstd":      packZstd(t, text, 70_001),
		"oneframe":  packZstd(t, text, len(text)),
		"parquet":   packParquet(t, all, parquet.MaxRowsPerRowGroup(700), parquet.PageBufferSize(3000), parquet.Compression(&parquet.Zstd)),
		"parquetv1": packParquet(t, all, parquet.PageBufferSize(5000), parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy)),
		"parquetgz": packParquet(t, all, parquet.Compression(&parquet.Gzip)),
		"parquetlz": packParquet(t, all, parquet.Compression(&parquet.Lz4Raw), parquet.PageBufferSize(100_000)),
		"parquetun": packParquet(t, all),
		"delta":     packParquet(t, deltaRecords(all), parquet.PageBufferSize(4000), parquet.Compression(&parquet.Zstd)),
		"deltav1":   packParquet(t, deltaRecords(all), parquet.DataPageVersion(1)),
	})
	for _, name := range []string{"plain", "gzip", "zstd", "oneframe", "parquet", "parquetv1", "parquetgz", "parquetlz", "parquetun", "delta", "deltav1"} {
		for _, workers := range []int{1, 2, 4} {
			if testing.Short() && workers == 4 {
				continue
			}
			for _, chunk := range []int64{0, 1000, 100_003} {
				t.Run(fmt.Sprint(name, workers, chunk), func(t *testing.T) {
					got := readAll(t, Options{Inputs: []string{dir + "/" + name}, Workers: workers, Chunk: chunk, Now: someNow, IDs: true}, nil)
					if d := differ(got.lines[0], want); d != "" || len(got.damage) > 0 {
						t.Error(d, got.damage)
					}
					if got.counts.Events != uint64(n) || got.counts.Records != uint64(n) {
						t.Errorf("%+v", got.counts)
					}
				})
			}
		}
	}
}
