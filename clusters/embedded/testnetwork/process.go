//go:build linux

package testnetwork

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/network"
)

// processes are the programs that the test network runs: the parts of Kubernetes and the nodes. Each writes a log
// file. None is expected to end.
type processes struct {
	logs  string
	ended chan error // the first that ended
}

// start runs a program on a machine.
func (p *processes) start(on *network.Namespace, name string, argv ...string) error {
	path := p.log(name)
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer log.Close() // the program has it now
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = environment()
	started := time.Now()
	if err := on.Do(cmd.Start); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		err := cmd.Wait()
		select {
		case p.ended <- fmt.Errorf("%s ended after %v (%s); its log %s says last: %s",
			name, time.Since(started).Round(time.Second), describeExit(err), path, lastLine(path)):
		default: // one report is enough: the rest follows from it
		}
	}()
	return nil
}

func (p *processes) log(name string) string { return filepath.Join(p.logs, name+".log") }

// environment of every program. Debian's users have no sbin in their PATH, where nft is.
func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/run"}
}

func describeExit(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// longestTail is how much of a log's end is looked at; a log of days is large.
const longestTail = 4 << 10

func lastLine(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	content := make([]byte, min(info.Size(), longestTail))
	if _, err := file.ReadAt(content, info.Size()-int64(len(content))); err != nil {
		return err.Error()
	}
	content = bytes.TrimSpace(content)
	return string(content[bytes.LastIndexByte(content, '\n')+1:])
}
