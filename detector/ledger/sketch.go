package ledger

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// precision is the logarithm of the number of registers of a sketch.
const precision = 14

// sketch is a dense HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) of
// 64-bit hashes, the one with the estimator of Ertl 2017 ("New cardinality
// estimation algorithms for HyperLogLog sketches", section 4): no constants
// fitted to data, no change of method between small and large numbers. The
// standard error is 0.81 %.
//
// It is ours and not a library's because a judgement asks for hundreds of
// estimates a second: the library that it is tested against takes 0.12 ms for
// each, and gives estimates that depend on the order of insertion where it is
// sparse.
type sketch [1 << precision]uint8

// add adds one hash, and reports whether that changed anything.
func (s *sketch) add(h uint64) bool {
	// The first bits choose a register, the rank of the first 1 of the others is
	// kept; the bit put behind them ends the search.
	i := h >> (64 - precision)
	rank := uint8(bits.LeadingZeros64(h<<precision|1<<(precision-1))) + 1
	if rank <= s[i] {
		return false
	}
	s[i] = rank
	return true
}

// union takes the greater of each two registers, eight at a time: ranks leave
// the top bit of a byte free for the comparison.
func (s *sketch) union(o *sketch) {
	const top = 0x8080808080808080
	for i := 0; i < len(s); i += 8 {
		a, b := binary.LittleEndian.Uint64(s[i:]), binary.LittleEndian.Uint64(o[i:])
		atLeast := ((a | top) - b) & top // of the bytes in which a >= b
		mask := atLeast - atLeast>>7 | atLeast
		binary.LittleEndian.PutUint64(s[i:], a&mask|b&^mask)
	}
}

// maxRank is the highest value of a register.
const maxRank = 64 - precision + 1

// estimate is the number of different hashes added.
func (s *sketch) estimate() uint64 {
	var have [maxRank + 1]int
	// Four tables at once: neighbouring registers are often equal, and counting
	// them in one would wait for the count before.
	var parts [4][64]uint16
	for i := 0; i < len(s); i += 4 {
		parts[0][s[i]&63]++
		parts[1][s[i+1]&63]++
		parts[2][s[i+2]&63]++
		parts[3][s[i+3]&63]++
	}
	for rank := range have {
		for p := range parts {
			have[rank] += int(parts[p][rank])
		}
	}
	const m = 1 << precision
	z := m * tau(1-float64(have[maxRank])/m)
	for rank := maxRank - 1; rank >= 1; rank-- {
		z = 0.5 * (z + float64(have[rank]))
	}
	z += m * sigma(float64(have[0])/m)
	return uint64(m/(2*math.Ln2)*m/z + 0.5)
}

// sigma is Ertl's correction for empty registers.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

// tau is Ertl's correction for full registers.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}

// append encodes runs of equal registers: a sketch of a few thousand people has
// mostly small ones.
func (s *sketch) append(b []byte) []byte {
	for i := 0; i < len(s); {
		n := 1
		for i+n < len(s) && s[i+n] == s[i] {
			n++
		}
		b = append(b, s[i])
		b = binary.AppendUvarint(b, uint64(n))
		i += n
	}
	return b
}

func (d *decoder) sketch() *sketch {
	s := &sketch{}
	for i := 0; i < len(s); {
		rank, n := d.byte(), d.uvarint()
		if d.err == nil && (rank > maxRank || n == 0 || n > uint64(len(s)-i)) {
			d.fail("an impossible sketch")
		}
		if d.err != nil {
			return nil
		}
		for range n {
			s[i] = rank
			i++
		}
	}
	return s
}
