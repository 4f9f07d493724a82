//go:build !linux

package embedded

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// Without Linux there are no embedded clusters: Config.Check says so, and nothing here is reached.

func fromOwner(*net.UnixConn) bool { return false }

func namespaces() *syscall.SysProcAttr { return nil }

func mayAdminister() bool { return false }

func socketPair() (*net.UnixConn, *os.File, error) { return nil, nil, errors.ErrUnsupported }
