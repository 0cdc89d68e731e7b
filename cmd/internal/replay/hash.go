package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// hashes are the SHA-256 of the inputs that are files, by path, so that whoever reads
// the report later can tell whether he has the same ones. Only those are missing of
// which the error, or that of the context, speaks.
func hashes(ctx context.Context, inputs []input, workers int) (map[string]string, error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	all := map[string]string{}
	var failed []error
	queue := make(chan *input)
	for range min(workers, len(inputs)) {
		group.Go(func() {
			buffer := make([]byte, 1<<20)
			for in := range queue {
				sum, err := hashFile(ctx, in.file, in.bytes, buffer)
				mu.Lock()
				if err == nil {
					all[in.path] = sum
				} else {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	for i := range inputs {
		if inputs[i].file != "" {
			queue <- &inputs[i]
		}
	}
	close(queue)
	group.Wait()
	return all, errors.Join(failed...)
}

// hashFile hashes what a file held when it was read: it may have grown since.
func hashFile(ctx context.Context, path string, size int64, buffer []byte) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	for in := io.LimitReader(file, size); ; {
		n, err := in.Read(buffer)
		h.Write(buffer[:n])
		switch {
		case err == io.EOF:
			return hex.EncodeToString(h.Sum(nil)), nil
		case err != nil:
			return "", fmt.Errorf("%s: %w", path, err)
		case ctx.Err() != nil:
			return "", ctx.Err()
		}
	}
}
