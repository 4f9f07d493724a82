package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseWaits(t *testing.T) {
	const status = "Name:\twrk\nThreads:\t2\nvoluntary_ctxt_switches:\t90\nnonvoluntary_ctxt_switches:\t8\n"
	got, err := parseWaits([]byte("39624304 3311182 98\n"), []byte(status))
	if want := (waits{sleeps: 90, preempted: 8, turns: 98, queued: 3311182 * time.Nanosecond}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := parseWaits([]byte("1 2"), []byte(status)); err == nil {
		t.Errorf("a short schedstat: got %+v", got)
	}
	if got, err := parseWaits([]byte("1 2 3"), []byte("voluntary_ctxt_switches:\tmany\n")); err == nil {
		t.Errorf("a status without a number: got %+v", got)
	}
}

// TestReadWaits waits for another process, which the kernel must have counted.
func TestReadWaits(t *testing.T) {
	self := []int{os.Getpid()}
	before, err := readWaits(self)
	if err != nil {
		t.Fatal(err)
	}
	output, waited, err := runWatched(exec.Command("sh", "-c", "sleep 0.5; echo done"))
	if err != nil || string(output) != "done\n" {
		t.Fatalf("got %q, %v", output, err)
	}
	if waited.turns == 0 {
		t.Errorf("the other process has got no turn: %+v", waited)
	}
	after, err := readWaits(self)
	if err != nil {
		t.Fatal(err)
	}
	if grown := after.since(before); grown.sleeps <= 0 || grown.turns <= 0 {
		t.Errorf("waiting for a process counts as %+v", grown)
	}
}
