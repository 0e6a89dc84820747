package transfer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"chunkcp/e2e/bench/internal/proc"
	"chunkcp/e2e/bench/internal/report"
)

// Run fetches the file once, by a new client, and compares the copy. After the
// time cut the client is ended, and the run is of what is there then.
func (x *Transfer) Run(ctx context.Context, cut time.Duration) report.Run {
	r, err := x.run(ctx, cut)
	if err != nil {
		r.Error = err.Error()
	}
	// The memory is needed for the next.
	_ = os.RemoveAll(filepath.Dir(x.client.Out))
	return r
}

func (x *Transfer) run(ctx context.Context, cut time.Duration) (r report.Run, err error) {
	command, err := x.prepare()
	if err != nil {
		return r, err
	}
	before, processes := x.serverCPU(), x.serverProcesses()
	var stdout bytes.Buffer
	client, err := proc.Start(command, &stdout, filepath.Join(x.client.Dir, "log"))
	if err != nil {
		return r, err
	}
	peaks := watch(client, x.servers)
	killed := x.await(ctx, client, cut, &r)
	r.ClientPeakRSS, r.ServerPeakRSS = peaks.stop()
	r.ClientCPUSeconds = client.CPU().Seconds()
	x.settle(processes)
	r.ServerCPUSeconds = (x.serverCPU() - before).Seconds()
	switch {
	case ctx.Err() != nil:
		return r, context.Cause(ctx)
	case killed && x.tool.Cut != 0:
		return r, fmt.Errorf("%s did not end by the signal %v: killed", command.Args[0], x.tool.Cut)
	}
	return r, x.judge(client, stdout.Bytes(), &r)
}

// await waits for the client's end, which it brings about after the time cut.
func (x *Transfer) await(ctx context.Context, client *proc.Process, cut time.Duration, r *report.Run) (killed bool) {
	timer := time.NewTimer(cut)
	defer timer.Stop()
	select {
	case <-client.Done():
		r.Seconds = time.Since(client.Started).Seconds()
		return false
	case <-timer.C:
		r.Cut = true
	case <-ctx.Done():
	}
	r.Seconds = time.Since(client.Started).Seconds()
	s := x.tool.Cut
	if s == 0 {
		s = syscall.SIGTERM
	}
	return client.End(s)
}

// judge finds out how much of the file is there, and whether it is the file.
func (x *Transfer) judge(client *proc.Process, stdout []byte, r *report.Run) error {
	if err := client.Err(); err != nil && !r.Cut {
		return err
	}
	if x.tool.Report != nil {
		said, err := x.tool.Report(stdout)
		if err != nil {
			return err
		}
		r.Bytes, r.ToolRTTSeconds = said.Bytes, said.RTTSeconds
	}
	if r.Cut {
		if x.tool.Report == nil {
			r.Bytes = stored(filepath.Dir(x.client.Out))
		}
		return nil
	}
	n, err := compare(x.client.Path(), x.client.Out)
	r.Bytes = n
	return err
}

func (x *Transfer) serverCPU() (sum time.Duration) {
	for _, p := range x.servers {
		sum += p.Running().CPU
	}
	return sum
}

func (x *Transfer) serverProcesses() (sum int) {
	for _, p := range x.servers {
		sum += p.Processes()
	}
	return sum
}

// settle waits a while for the servers' processes of this client to end, so
// that their times are counted.
func (x *Transfer) settle(processes int) {
	const ( // arbitrary
		patience = time.Second
		interval = 20 * time.Millisecond
	)
	for end := time.Now().Add(patience); time.Now().Before(end) && x.serverProcesses() > processes; {
		time.Sleep(interval)
	}
}
