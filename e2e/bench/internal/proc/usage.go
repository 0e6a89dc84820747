package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what processes used.
type Usage struct {
	CPU     time.Duration // user and system
	PeakRSS int64         // bytes, the sum of the processes' own peaks
}

// tick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on every
// architecture Linux shows to programs (proc(5)).
const tick = time.Second / 100

// Running returns what a process and all its descendants have used until now,
// those that ended and were waited for included (but not their memory).
func (p *Process) Running() Usage {
	var sum Usage
	for _, pid := range p.tree() {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			sum.CPU += cpuOf(string(stat))
		}
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			sum.PeakRSS += peakOf(string(status))
		}
	}
	return sum
}

// Processes returns how many the process and its descendants are.
func (p *Process) Processes() int { return len(p.tree()) }

// CPU returns what a process that has ended used, with the children it waited
// for.
func (p *Process) CPU() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// tree returns the ids of the process and its descendants.
func (p *Process) tree() []int {
	all := []int{p.PID()}
	for i := 0; i < len(all); i++ {
		// Children belong to the thread that made them. Nothing but task is listed:
		// a directory of /proc is slow to list, and this is done while others are timed.
		tasks := fmt.Sprintf("/proc/%d/task", all[i])
		threads, _ := os.ReadDir(tasks)
		for _, thread := range threads {
			text, _ := os.ReadFile(filepath.Join(tasks, thread.Name(), "children")) // gone: no children
			for _, field := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(field); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// cpuOf reads utime, stime, cutime and cstime from /proc/PID/stat, whose
// second field is a name in parentheses that may hold anything.
func cpuOf(stat string) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	var ticks int64
	for i := 11; i < 15 && i < len(fields); i++ { // fields 14 to 17 of proc(5)
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// peakOf reads VmHWM from /proc/PID/status, in bytes.
func peakOf(status string) int64 {
	_, rest, found := strings.Cut(status, "VmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0 // a zombie has no memory
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}
