package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestAMachineWithoutNftIsToldHowToGetIt(t *testing.T) {
	if err := checkMachine(func(program string) bool { return program != "nft" }); err == nil || !strings.Contains(err.Error(), "apt-get install nftables") {
		t.Errorf("error %v", err)
	}
	if err := checkMachine(func(string) bool { return true }); err != nil {
		t.Error(err)
	}
}

// The test network finds nft also where the user's PATH lacks the folder that the check has found it in.
func TestTestNetworkSearchesSystemFolders(t *testing.T) {
	t.Setenv("PATH", "/home/user/bin:/usr/bin")
	command := exec.Cmd{Env: environment()}
	var paths []string
	for _, variable := range command.Environ() {
		if strings.HasPrefix(variable, "PATH=") {
			paths = append(paths, variable)
		}
	}
	if want := "PATH=/home/user/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin"; len(paths) != 1 || paths[0] != want {
		t.Errorf("%q, want %q", paths, want)
	}
}

// A name is found to be taken whether its cluster runs or is still starting, and before programs are looked for.
func TestATakenNameStandsInTheWay(t *testing.T) {
	if !haveProgram("nft") {
		t.Skip("nft is not installed")
	}
	config := Config{Name: fmt.Sprintf("taken-%d", os.Getpid()), Logs: t.TempDir(), Binaries: t.TempDir()}
	if err := config.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "make") {
		t.Errorf("a name that is free, and programs that are not built: %v", err)
	}
	held, err := lockName(config.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if err := config.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "still starting") {
		t.Errorf("a cluster that is starting: %v", err)
	}
	held.announce(Running{Name: config.Name})
	if err := config.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "is running already") {
		t.Errorf("a cluster that runs: %v", err)
	}
}
