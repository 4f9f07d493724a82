//go:build privileged

package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// process is a process of this machine. The kernel may give its number to another one when it has ended, but not its start time too.
type process struct {
	pid, parent int
	started     string // in clock ticks since the machine was booted
	arguments   []string
}

// readProcess reads a process that hasn't ended; ok is false if it has, also if its parent has not waited for it yet.
func readProcess(pid int) (p process, ok bool) {
	dir := fmt.Sprintf("/proc/%d", pid)
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, false
	}
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || len(line) == 0 { // those that have ended have none, nor have those of the kernel
		return p, false
	}
	// proc_pid_stat(5): the name, in parentheses, may have any character. The parent is field 4, the start time field 22.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	parent, err := strconv.Atoi(fields[1])
	return process{pid, parent, fields[19], strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")}, err == nil
}

// processes are a process and those that descend from it.
type processes []process

func processTree(t *testing.T, root int) processes {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]process{}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := readProcess(pid); ok {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	first, ok := readProcess(root)
	if !ok {
		t.Fatalf("process %d has ended", root)
	}
	tree := processes{first}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i].pid]...)
	}
	return tree
}

// find returns the number of the only process with such arguments.
func (p processes) find(t *testing.T, is func(arguments []string) bool) int {
	t.Helper()
	var found []int
	for _, one := range p {
		if is(one.arguments) {
			found = append(found, one.pid)
		}
	}
	if len(found) != 1 {
		t.Fatalf("found the processes %v instead of one", found)
	}
	return found[0]
}

// anyRuns reports whether one of the processes has not ended.
func (p processes) anyRuns() bool {
	for _, one := range p {
		if now, ok := readProcess(one.pid); ok && now.started == one.started {
			return true
		}
	}
	return false
}
