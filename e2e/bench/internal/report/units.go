package report

import "fmt"

// unit is what goodput is written in: that of a link in megabits, as links'
// rates are, and that of a machine in gigabytes.
type unit struct {
	name        string
	bytesPerSec float64
	digits      int
}

func (s Scenario) unit() unit {
	if s.RateBitsPerSec > 0 {
		return unit{"Mbit/s", 1e6 / 8, 2}
	}
	return unit{"GB/s", 1e9, 3}
}

func (u unit) format(bytesPerSec float64) string {
	return fmt.Sprintf("%.*f", u.digits, bytesPerSec/u.bytesPerSec)
}

// span writes a range.
func (u unit) span(low, high float64) string { return u.format(low) + " to " + u.format(high) }

func percent(share float64) string { return fmt.Sprintf("%.1f %%", share*100) }

func seconds(s float64) string { return fmt.Sprintf("%.2f s", s) }

func memory(bytes float64) string {
	if bytes == 0 {
		return "-" // too short to be seen, or nobody's
	}
	return fmt.Sprintf("%.0f MiB", bytes/(1<<20))
}

func milliseconds(s float64) string {
	if s == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f ms", s*1000)
}
