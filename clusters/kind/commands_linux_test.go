package kind

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

func TestWaitCommandsWaitsForContainersOfTheCluster(t *testing.T) {
	// "sh -c 'read line' LABEL" waits for its standard input with the label as $0, as `docker run --label LABEL` has it.
	child := exec.Command("sh", "-c", "read line", clusterLabel+"dev")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (engine{}).waitCommands(ended, "dev"); err == nil || !strings.Contains(err.Error(), `kind cluster "dev"`) {
		t.Errorf("with a command under way: error %v", err)
	}
	if err := (engine{}).waitCommands(ended, "other"); err != nil {
		t.Errorf("another cluster's commands: %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- (engine{}).waitCommands(t.Context(), "dev") }()
	stdin.Close()
	if err := child.Wait(); err == nil {
		t.Error("read succeeded at the end of input")
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
}
