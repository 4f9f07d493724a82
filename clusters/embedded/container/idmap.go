//go:build linux

package container

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// idMaps is what the caller's user namespace can express. They must be read before the container's /proc replaces the
// caller's, which may not show the caller.
type idMaps struct {
	users, groups idMap
	// groupsDenied is whether setting supplementary groups is denied (/proc/self/setgroups), as in a user namespace
	// that an ordinary user made.
	groupsDenied bool
}

// idMap is the content of /proc/self/uid_map or gid_map, without the outer side.
type idMap []idRange

type idRange struct{ first, count uint64 }

func (m idMap) has(id uint32) bool {
	for _, r := range m {
		if uint64(id) >= r.first && uint64(id) < r.first+r.count {
			return true
		}
	}
	return false
}

func readIDMaps() (idMaps, error) {
	var maps idMaps
	for path, to := range map[string]*idMap{"/proc/self/uid_map": &maps.users, "/proc/self/gid_map": &maps.groups} {
		f, err := os.Open(path)
		if err != nil {
			return maps, fmt.Errorf("reading the user namespace's map: %w", err)
		}
		*to, err = parseIDMap(f)
		f.Close()
		if err != nil {
			return maps, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	if policy, err := os.ReadFile("/proc/self/setgroups"); err == nil {
		maps.groupsDenied = strings.TrimSpace(string(policy)) == "deny"
	}
	return maps, nil
}

func parseIDMap(r io.Reader) (idMap, error) {
	var m idMap
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(lines.Text(), &inside, &outside, &count); err != nil {
			return nil, fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		m = append(m, idRange{inside, count})
	}
	return m, lines.Err()
}

// CheckUser returns an error if this user namespace lacks the user or group of a Pod's securityContext.
func CheckUser(user User) error {
	maps, err := readIDMaps()
	if err != nil {
		return err
	}
	const remedy = "does not exist in this cluster's user namespace: run the cluster as root, or use the image's user"
	if user.UID != nil && !maps.users.has(*user.UID) {
		return fmt.Errorf("user %d of the Pod's securityContext %s", *user.UID, remedy)
	}
	if user.GID != nil && !maps.groups.has(*user.GID) {
		return fmt.Errorf("group %d of the Pod's securityContext %s", *user.GID, remedy)
	}
	return nil
}

// confine maps an identity to one that this user namespace has. A user set by the image alone becomes root, which is
// an ordinary user outside.
func (m idMaps) confine(id Identity) Identity {
	if !m.users.has(id.UID) {
		id.UID = 0
	}
	if !m.groups.has(id.GID) {
		id.GID = 0
	}
	var groups []uint32
	for _, g := range id.Groups {
		if m.groups.has(g) {
			groups = append(groups, g)
		}
	}
	id.Groups = groups
	return id
}

// userNamespaced reports whether the caller is in a user namespace other than the machine's first.
func (m idMaps) userNamespaced() bool {
	const all = 1<<32 - 1
	return len(m.users) != 1 || m.users[0] != idRange{0, all}
}
