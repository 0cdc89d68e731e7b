package fetch

import (
	"math/bits"
	"sync"
)

// frame is the memory of one response.
type frame struct {
	data  []byte
	class int
}

// frames keeps frames for another use, in classes of capacity that are at most
// a quarter apart. A frame comes back only after the exchange that filled it
// succeeded: an exchange that failed may still be writing into its frame.
type frames struct {
	pools [4 * 32]sync.Pool
}

// smallest capacity: 4 KiB.
const smallestFrame = 12

// classOf is the class of n bytes and the capacity of its frames.
func classOf(n int) (class, capacity int) {
	if n <= 1<<smallestFrame {
		return 0, 1 << smallestFrame
	}
	log := bits.Len(uint(n-1)) - 1 // 1<<log < n <= 1<<(log+1)
	step := 1 << (log - 2)
	quarters := (n - 1<<log + step - 1) / step
	return 4*(log-smallestFrame) + quarters, 1<<log + quarters*step
}

func (f *frames) get(n int) *frame {
	class, capacity := classOf(n)
	if fr, _ := f.pools[class].Get().(*frame); fr != nil {
		fr.data = fr.data[:n]
		return fr
	}
	return &frame{data: make([]byte, n, capacity), class: class}
}

func (f *frames) put(fr *frame) { f.pools[fr.class].Put(fr) }
