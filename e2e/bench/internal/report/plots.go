package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// The size of a plot; arbitrary.
const (
	plotWidth  = 16 * vg.Centimeter
	plotHeight = 10 * vg.Centimeter
)

// Draw makes an SVG file in the directory for what there are results of. One of
// an earlier bench, of what there are none of now, is removed.
func (r *Results) Draw(dir string) error {
	for _, drawing := range []struct {
		name string
		draw func() (*plot.Plot, error)
	}{
		{"goodput-loss.svg", r.drawLoss},
		{"utilisation-channels.svg", r.drawChannels},
	} {
		p, err := drawing.draw()
		if err != nil {
			return fmt.Errorf("draw %s: %w", drawing.name, err)
		}
		path := filepath.Join(dir, drawing.name)
		if p == nil {
			err = os.Remove(path)
		} else {
			err = p.Save(plotWidth, plotHeight, path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// drawLoss draws goodput against loss; nil if no scenario says so.
func (r *Results) drawLoss() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "Goodput against loss"
	p.X.Label.Text = "packets lost, %"
	p.Y.Label.Text = "goodput, % of the link's rate"
	p.X.Tick.Marker = every(1)
	inPercent(p)
	names, lines := r.lossLines()
	if len(names) == 0 {
		return nil, nil
	}
	for i, name := range names {
		if err := addLine(p, name, lines[name], i); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// lossLines returns a line for each contender, in their order.
func (r *Results) lossLines() (names []string, lines map[string]plotter.XYs) {
	lines = map[string]plotter.XYs{}
	for _, s := range r.Scenarios {
		if s.LossPercent == nil {
			continue
		}
		for _, c := range s.Contenders {
			if c.Goodput.N == 0 {
				continue
			}
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
			lines[c.Name] = append(lines[c.Name], plotter.XY{X: *s.LossPercent, Y: 100 * s.ofLink(c.Goodput.Median)})
		}
	}
	return names, lines
}

// drawChannels draws the use of a line against channels; nil if no scenario
// says so.
func (r *Results) drawChannels() (*plot.Plot, error) {
	i := slices.IndexFunc(r.Scenarios, func(s Scenario) bool { return s.Kind == Channels })
	if i < 0 {
		return nil, nil
	}
	s := r.Scenarios[i]
	var measured, theory plotter.XYs
	for _, c := range s.Contenders {
		x := float64(c.Channels)
		theory = append(theory, plotter.XY{X: x, Y: 100 * c.Theory})
		if c.Goodput.N > 0 {
			measured = append(measured, plotter.XY{X: x, Y: 100 * s.ofLink(c.median(Run.Wire))})
		}
	}
	p := plot.New()
	p.Title.Text = s.Title
	p.X.Label.Text = "stop-and-wait channels of one segment"
	p.Y.Label.Text = "time the line is in use, %"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, doublings{}
	inPercent(p)
	if err := addLine(p, "measured", measured, 0); err != nil {
		return nil, err
	}
	return p, addLine(p, "min(1, n/(1+2a))", theory, 1)
}

// inPercent has the vertical axis show percents, with room for the legend above.
func inPercent(p *plot.Plot) {
	p.Y.Min, p.Y.Max = 0, 125
	p.Y.Tick.Marker = every(20)
	p.Legend.Top = true
}

// addLine adds a line with a mark at each point. Nothing is added of no points.
func addLine(p *plot.Plot, name string, points plotter.XYs, style int) error {
	if len(points) == 0 {
		return nil
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Dashes = plotutil.Color(style), plotutil.Dashes(style)
	marks.Color, marks.Shape = plotutil.Color(style), plotutil.Shape(style)
	p.Add(line, marks)
	p.Legend.Add(name, line, marks)
	return nil
}

// every marks the multiples of so much of an axis, up to 100.
type every float64

func (step every) Ticks(least, most float64) (ticks []plot.Tick) {
	for i := 0; float64(i)*float64(step) <= min(most, 100); i++ {
		if x := float64(i) * float64(step); x >= least {
			ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprint(x)})
		}
	}
	return ticks
}

// doublings marks the powers of two of an axis.
type doublings struct{}

func (doublings) Ticks(least, most float64) (ticks []plot.Tick) {
	for x := 1.0; x <= most; x *= 2 {
		if x >= least {
			ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprint(x)})
		}
	}
	return ticks
}
