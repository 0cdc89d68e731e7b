package fetch_test

import (
	"testing"

	"go.uber.org/goleak"

	"sunsetwatch/bench/child"
)

func TestMain(m *testing.M) {
	if child.Serve(1, "none", "zstd") {
		return
	}
	goleak.VerifyTestMain(m)
}
