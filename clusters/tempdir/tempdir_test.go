package tempdir_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ingress-testbed/testbed/clusters/tempdir"
)

const asHolder = "TEMPDIR_TEST_HOLDER"

// TestMain has the test program be a process that makes a folder and then waits for its end.
func TestMain(m *testing.M) {
	if os.Getenv(asHolder) == "" {
		os.Exit(m.Run())
	}
	dir, err := tempdir.Make("held")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir.Path(), "secret"), nil, 0o600)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(dir.Path())
	bufio.NewReader(os.Stdin).ReadByte()
}

// holder starts such a process.
func holder(t *testing.T) (process *exec.Cmd, path string) {
	t.Helper()
	process = exec.Command(os.Args[0])
	process.Env = append(os.Environ(), asHolder+"=1")
	if _, err := process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	return process, line[:len(line)-1]
}

func there(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func TestWhatAKilledProcessLeftIsSwept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	process, left := holder(t)
	_, alive := holder(t)
	own, err := tempdir.Make("own")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := tempdir.Make("kept")
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Keep(); err != nil {
		t.Fatal(err)
	}
	others := filepath.Join(os.TempDir(), "testbed-of-a-user")
	if err := os.Mkdir(others, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	if err := tempdir.Sweep(); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]bool{
		left: false, left + ".lock": false, alive: true, own.Path(): true, kept.Path(): true, kept.Path() + ".lock": false, others: true,
	} {
		if there(path) != want {
			t.Errorf("%s is there: %t", path, !want)
		}
	}
	if err := own.Remove(); err != nil || there(own.Path()) || there(own.Path()+".lock") {
		t.Errorf("removing a folder left something, with %v", err)
	}
}

func TestNobodyElseMayReadIt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, err := tempdir.Make("private")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Remove()
	if info, err := os.Stat(dir.Path()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Runs that begin at the same time sweep while others make their folders.
func TestASweepTakesNothingFromThoseThatBegin(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	stop := make(chan struct{})
	var sweepers, makers sync.WaitGroup
	for range 2 {
		sweepers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if err := tempdir.Sweep(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 4 {
		makers.Go(func() {
			for range 200 {
				dir, err := tempdir.Make("busy")
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(dir.Path(), "file"), nil, 0o600); err != nil {
					t.Errorf("the folder was taken away: %v", err)
				}
				if err := dir.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	makers.Wait()
	close(stop)
	sweepers.Wait()
}
