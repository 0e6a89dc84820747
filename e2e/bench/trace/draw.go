package main

import (
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width  = 18 * vg.Centimeter
	height = 21 * vg.Centimeter

	// bins is how many points a line of rates has: more would be too close.
	bins = 200

	mbit = 125_000 // bytes per second
	ms   = 1e-3
)

// line is one curve of a panel.
type line struct {
	name   string
	points plotter.XYs
}

// panel is one of the plots that stand above each other.
type panel struct {
	title string
	lines []line
}

// draw writes the panels of a session as SVG.
func draw(w io.Writer, events []event) error {
	panels := []panel{
		{"rate, Mbit/s of file bytes", []line{{"acknowledged", delivered(events)}, {"paced", paced(events)}}},
		{"KiB", []line{
			{"in flight", curve(events, func(e event) (float64, bool) { return float64(e.InFlight) / 1024, true })},
			{"window", curve(events, func(e event) (float64, bool) { return float64(e.Window) / 1024, true })},
		}},
		{"round trip, ms", []line{
			{"sample", curve(events, func(e event) (float64, bool) { return e.RTT / ms, e.RTT > 0 })},
		}},
	}
	plots := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		drawn, err := p.plot()
		if err != nil {
			return err
		}
		plots[i] = []*plot.Plot{drawn}
	}
	plots[len(plots)-1][0].X.Label.Text = "seconds"
	canvas := vgsvg.New(width, height)
	tiles := vgdraw.Tiles{Rows: len(panels), Cols: 1, PadY: 4 * vg.Millimeter}
	for i, c := range plot.Align(plots, tiles, vgdraw.New(canvas)) {
		plots[i][0].Draw(c[0])
	}
	_, err := canvas.WriteTo(w)
	return err
}

func (p panel) plot() (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Y.Label.Text = p.title
	drawn.Y.Min = 0
	drawn.Legend.Top = true
	for i, l := range p.lines {
		if len(l.points) == 0 {
			continue
		}
		x, err := plotter.NewLine(l.points)
		if err != nil {
			return nil, err
		}
		x.Color = plotutil.Color(i)
		drawn.Add(x)
		drawn.Legend.Add(l.name, x)
	}
	return drawn, nil
}

// curve returns a point for each event of which value gives one.
func curve(events []event, value func(event) (float64, bool)) (points plotter.XYs) {
	for _, e := range events {
		if y, ok := value(e); ok {
			points = append(points, plotter.XY{X: e.Seconds, Y: y})
		}
	}
	return points
}

// paced returns the rate at which the session might send; nothing where it was
// not paced.
func paced(events []event) plotter.XYs {
	return curve(events, func(e event) (float64, bool) { return e.RateBytesPerSec / mbit, e.RateBytesPerSec > 0 })
}

// delivered returns the rate at which bytes were acknowledged, by bins of time.
func delivered(events []event) (points plotter.XYs) {
	begin, end := events[0].Seconds, events[len(events)-1].Seconds
	bin := (end - begin) / bins
	if bin <= 0 {
		return nil
	}
	sums := make([]float64, bins+1)
	for _, e := range events {
		if e.Kind == "acked" {
			sums[int((e.Seconds-begin)/bin)] += float64(e.Bytes)
		}
	}
	for i, sum := range sums[:bins] {
		points = append(points, plotter.XY{X: begin + (float64(i)+0.5)*bin, Y: sum / bin / mbit})
	}
	return points
}
