package fetch_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

// brokerProcess in the environment makes the test binary a broker, so that
// benchmarks count the CPU of the client alone.
const brokerProcess = "FETCH_TEST_BROKER"

func TestMain(m *testing.M) {
	if os.Getenv(brokerProcess) != "" {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "none", "zstd"))
		if err != nil {
			panic(err)
		}
		fmt.Println(cluster.ListenAddrs()[0])
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
		cluster.Close()
		return
	}
	goleak.VerifyTestMain(m)
}
