package arq

import (
	"fmt"
	"testing"
)

// BenchmarkPair measures what both sides together do for one segment, its share
// of the acknowledgement's encoding included.
func BenchmarkPair(b *testing.B) {
	for _, burst := range []int{1, 8, 44} {
		for _, channels := range []int{1, 50, 500} {
			benchmarkPair(b, channels, burst, 0)
		}
	}
	benchmarkPair(b, MaxDataChannels, 1, 0)
}

// BenchmarkPairWithLoss has one burst in ten lose a segment.
func BenchmarkPairWithLoss(b *testing.B) {
	for _, channels := range []int{50, 500, MaxDataChannels} {
		benchmarkPair(b, channels, 8, 10)
	}
}

func benchmarkPair(b *testing.B, channels, burst, drop int) {
	b.Run(fmt.Sprintf("burst=%d/channels=%d", burst, channels), func(b *testing.B) {
		p := newPair(b, channels, burst, &Fixed{WindowBytes: 1 << 30})
		p.run(2*channels*burst, drop)
		b.ReportAllocs()
		b.ResetTimer()
		p.run(b.N, drop)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/segment")
	})
}
