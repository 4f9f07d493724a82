//go:build linux

package container

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Identity is a User resolved to numbers.
type Identity struct {
	UID, GID uint32
	Groups   []uint32
	Home     string
}

// identify looks a User up in the container's files; the process's root must be the container's.
func identify(user User) (Identity, error) {
	return identifyIn(user, os.DirFS("/"))
}

// identifyIn follows container runtimes: a numeric user need not exist, then its group is 0; the supplementary groups
// are those that list the user by name in /etc/group, and only when no group is given with the user.
func identifyIn(user User, root fs.FS) (Identity, error) {
	passwd, err := readAccounts(root, "etc/passwd")
	if err != nil {
		return Identity{}, err
	}
	groups, err := readAccounts(root, "etc/group")
	if err != nil {
		return Identity{}, err
	}
	name, group, _ := strings.Cut(user.Image, ":")
	if user.UID != nil { // the Pod's user replaces the image's together with its group
		name, group = strconv.FormatUint(uint64(*user.UID), 10), ""
	}
	id := Identity{Home: "/"}
	account, err := lookUp(passwd, name, "user")
	if err != nil {
		return Identity{}, err
	}
	id.UID = account.id
	if account.known {
		id.GID = account.number(3)
		if home := account.field(5); home != "" {
			id.Home = home
		}
	}
	switch {
	case user.GID != nil:
		id.GID = *user.GID
	case group != "":
		g, err := lookUp(groups, group, "group")
		if err != nil {
			return Identity{}, err
		}
		id.GID = g.id
	}
	if account.known && group == "" {
		for _, g := range groups {
			if slices.Contains(strings.Split(g.field(3), ","), account.field(0)) {
				id.Groups = append(id.Groups, g.number(2))
			}
		}
	}
	id.Groups = append(id.Groups, user.Extra...)
	slices.Sort(id.Groups)
	id.Groups = slices.Compact(id.Groups)
	return id, nil
}

// account is a line of /etc/passwd or /etc/group.
type account struct {
	fields []string
	id     uint32
	known  bool
}

func (a account) field(i int) string {
	if i < len(a.fields) {
		return a.fields[i]
	}
	return ""
}

func (a account) number(i int) uint32 {
	n, err := strconv.ParseUint(a.field(i), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// lookUp finds an account by name or number. No name is root.
func lookUp(accounts []account, name, kind string) (account, error) {
	if name == "" {
		name = "0"
	}
	number, numberErr := strconv.ParseUint(name, 10, 32)
	for _, a := range accounts {
		if a.field(0) == name || numberErr == nil && a.id == uint32(number) {
			return a, nil
		}
	}
	if numberErr == nil {
		return account{id: uint32(number)}, nil
	}
	return account{}, fmt.Errorf("the image has no %s %q", kind, name)
}

// readAccounts reads /etc/passwd or /etc/group, which share the format "name:password:number:…". A missing file has no
// accounts, and malformed lines are skipped, as in the C library.
func readAccounts(root fs.FS, name string) ([]account, error) {
	f, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking up user: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return parseAccounts(f)
}

// maxAccountsBytes bounds what is read of an account file.
const maxAccountsBytes = 8 << 20

func parseAccounts(r io.Reader) ([]account, error) {
	var accounts []account
	lines := bufio.NewScanner(io.LimitReader(r, maxAccountsBytes))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Split(strings.TrimSpace(lines.Text()), ":")
		if len(fields) < 3 || fields[0] == "" {
			continue
		}
		number, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			continue
		}
		accounts = append(accounts, account{fields: fields, id: uint32(number), known: true})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	return accounts, nil
}

// rawSetgroups changes the groups of the calling thread alone.
func rawSetgroups(count int, first *uint32) syscall.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(count), uintptr(unsafe.Pointer(first)), 0)
	return errno
}
