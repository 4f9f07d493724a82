package container

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// mapped says whether a user or group ID exists in the caller's user namespace, by /proc/self/uid_map or gid_map.
func mapped(mapFile string, id uint32) (bool, error) {
	f, err := os.Open(mapFile)
	if err != nil {
		return false, fmt.Errorf("reading the user namespace's map: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(strings.TrimSpace(lines.Text()), &inside, &outside, &count); err != nil {
			return false, fmt.Errorf("reading %s: %w", mapFile, err)
		}
		if uint64(id) >= inside && uint64(id) < inside+count {
			return true, nil
		}
	}
	return false, lines.Err()
}

// confine turns an identity into one that this user namespace can express. A user that the Pod asks for must exist; one
// that only the image names becomes root, which is what the user namespace's owner is outside anyway: nobody special.
func confine(id Identity, asked User) (Identity, error) {
	ok, err := mapped("/proc/self/uid_map", id.UID)
	if err != nil {
		return id, err
	}
	if !ok {
		if asked.UID != nil {
			return id, fmt.Errorf("user %d of the Pod's securityContext does not exist in this cluster's user namespace: "+
				"run the cluster as root, or map more users in /etc/subuid", id.UID)
		}
		id.UID = 0
	}
	if ok, err = mapped("/proc/self/gid_map", id.GID); err != nil {
		return id, err
	}
	if !ok {
		if asked.GID != nil {
			return id, fmt.Errorf("group %d of the Pod's securityContext does not exist in this cluster's user namespace: "+
				"run the cluster as root, or map more groups in /etc/subgid", id.GID)
		}
		id.GID = 0
	}
	groups := id.Groups[:0:0]
	for _, g := range id.Groups {
		if ok, err := mapped("/proc/self/gid_map", g); err != nil {
			return id, err
		} else if ok {
			groups = append(groups, g)
		}
	}
	id.Groups = groups
	return id, nil
}

// userNamespaced says whether the caller is in a user namespace other than the machine's first.
func userNamespaced() bool {
	raw, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	return strings.Join(strings.Fields(string(raw)), " ") != "0 0 4294967295"
}
