//go:build linux

package container

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// giveStreams makes a user the owner of its standard streams, as runc does: opening /dev/stdout opens the pipe or
// terminal anew and needs permission for it. The group stays, because a terminal's is "tty". /dev/null is left alone,
// which all containers share.
func giveStreams(uid uint32, streams ...*os.File) error {
	for _, f := range streams {
		fd := int(f.Fd())
		var info unix.Stat_t
		if err := unix.Fstat(fd, &info); err != nil {
			return fmt.Errorf("reading the owner of the standard streams: %w", err)
		}
		if info.Uid == uid || info.Mode&unix.S_IFMT == unix.S_IFCHR && info.Rdev == nullDevice {
			continue
		}
		err := unix.Fchown(fd, int(uid), -1)
		// What the container did not open, such as a terminal passed on from outside, may belong to a user that this
		// user namespace lacks.
		if err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EROFS) {
			return fmt.Errorf("giving the standard streams to user %d: %w", uid, err)
		}
	}
	return nil
}

// nullDevice is the device number of /dev/null, as stat(2) reports it (major 1, minor 3).
const nullDevice = 1<<8 | 3
