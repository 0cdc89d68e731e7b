package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
)

// hashes are the SHA-256 of the inputs that are files, so that whoever reads the
// report later can tell whether he has the same ones.
func hashes(ctx context.Context, inputs []input, workers int) (map[string]string, error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	all := map[string]string{}
	var failed error
	queue := make(chan string)
	for range min(workers, len(inputs)) {
		group.Go(func() {
			buffer := make([]byte, 1<<20)
			for path := range queue {
				sum, err := hashFile(ctx, path, buffer)
				mu.Lock()
				if all[path] = sum; err != nil && failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for _, in := range inputs {
		if info, err := os.Stat(in.path); err == nil && info.Mode().IsRegular() && in.mark != "" {
			queue <- in.path
		}
	}
	close(queue)
	group.Wait()
	return all, failed
}

func hashFile(ctx context.Context, path string, buffer []byte) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	for {
		n, err := file.Read(buffer)
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
