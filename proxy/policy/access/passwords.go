package access

import (
	"crypto/sha1" //nolint:gosec // hashes of files that htpasswd has written
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/GehirnInc/crypt"
	"github.com/GehirnInc/crypt/apr1_crypt"
	"github.com/GehirnInc/crypt/md5_crypt"
	"github.com/GehirnInc/crypt/sha256_crypt"
	"github.com/GehirnInc/crypt/sha512_crypt"
	"golang.org/x/crypto/bcrypt"
)

// The costs that a hash may have: each request with a wrong password takes as long.
const (
	mostBcryptCost = 14      // about a second
	mostCryptSteps = 500_000 // of SHA-crypt; the default is 5000
)

// Users are the hashes of passwords by user.
type Users map[string]string

// ParseUsers reads a file that htpasswd writes: a line "user:hash" for each user, in which anything after a further
// colon, empty lines and those that begin with "#" mean nothing. The hashes are checked, see CheckHash. The error names
// the line, and never says what is in it.
func ParseUsers(file string) (Users, error) {
	users := Users{}
	number := 0
	for line := range strings.Lines(file) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, hash, found := strings.Cut(line, ":")
		if !found || name == "" {
			return nil, fmt.Errorf(`line %d is not "user:hash", as htpasswd writes it`, number)
		}
		hash, _, _ = strings.Cut(hash, ":")
		if err := CheckHash(hash); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if _, twice := users[name]; !twice { // as in nginx, the first line of a user counts
			users[name] = hash
		}
	}
	if len(users) == 0 {
		return nil, errors.New("there is no user")
	}
	return users, nil
}

// CheckHash returns an error unless passwords can be compared with the hash: bcrypt ($2a$, $2b$, $2y$), MD5 of Apache
// ($apr1$) and of crypt ($1$), SHA-crypt ($5$, $6$), {SHA}, {SSHA} and {PLAIN}.
func CheckHash(hash string) error {
	_, err := newHash(hash)
	return err
}

// IsHash reports whether a text may be a hash for CheckHash. It takes no time.
func IsHash(text string) bool {
	scheme, _ := cutScheme(strings.TrimSpace(text))
	return len(text) < 256 && slices.Contains([]string{
		"$2a$", "$2b$", "$2y$", "$apr1$", "$1$", "$5$", "$6$", "{SHA}", "{SSHA}", "{PLAIN}",
	}, scheme)
}

// passwordHash reports whether a password is the right one, in a time that does not depend on where it is wrong.
type passwordHash func(password string) bool

func newHash(hash string) (passwordHash, error) {
	switch scheme, rest := cutScheme(hash); scheme {
	case "$2a$", "$2b$", "$2y$":
		return newBcrypt(hash)
	case "$apr1$":
		return newCrypt(apr1_crypt.New(), hash)
	case "$1$":
		return newCrypt(md5_crypt.New(), hash)
	case "$5$":
		return newCrypt(sha256_crypt.New(), hash)
	case "$6$":
		return newCrypt(sha512_crypt.New(), hash)
	case "{SHA}":
		return newSHA(rest, 0)
	case "{SSHA}":
		return newSHA(rest, -1)
	case "{PLAIN}":
		return func(password string) bool { return equal(password, rest) }, nil
	}
	return nil, errors.New("the hash is of no supported kind: make it with htpasswd -B")
}

// cutScheme splits "$2y$10$…" and "{SHA}…" after what names the kind of hash.
func cutScheme(hash string) (scheme, rest string) {
	end := -1
	switch {
	case strings.HasPrefix(hash, "$"):
		if end = strings.IndexByte(hash[1:], '$'); end >= 0 {
			end++
		}
	case strings.HasPrefix(hash, "{"):
		end = strings.IndexByte(hash, '}')
	}
	return hash[:end+1], hash[end+1:]
}

func newBcrypt(hash string) (passwordHash, error) {
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil:
		return nil, errors.New("the bcrypt hash is malformed")
	case cost > mostBcryptCost:
		return nil, fmt.Errorf("the bcrypt hash has the cost %d; at most %d are supported", cost, mostBcryptCost)
	}
	return func(password string) bool {
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	}, nil
}

// newCrypt tries the hash, because its parts are checked when it is used.
func newCrypt(method crypt.Crypter, hash string) (passwordHash, error) {
	fields := strings.Split(hash, "$") // "", kind, perhaps rounds, salt, sum
	if last := len(fields) - 1; last < 3 || fields[last] == "" || fields[last-1] == "" {
		return nil, errors.New("the hash is malformed")
	}
	if steps, given := strings.CutPrefix(fields[2], "rounds="); given {
		if n, err := strconv.Atoi(steps); err != nil || n > mostCryptSteps {
			return nil, fmt.Errorf("the hash takes more than %d rounds", mostCryptSteps)
		}
	}
	if err := method.Verify(hash, nil); err != nil && !errors.Is(err, crypt.ErrKeyMismatch) {
		return nil, errors.New("the hash is malformed")
	}
	return func(password string) bool { return method.Verify(hash, []byte(password)) == nil }, nil
}

// newSHA reads the base64 text of a SHA-1 sum and, unless salt is 0, of what is hashed after the password.
func newSHA(text string, salt int) (passwordHash, error) {
	sum, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sum) < sha1.Size || salt == 0 && len(sum) > sha1.Size {
		return nil, errors.New("the SHA-1 hash is malformed")
	}
	return func(password string) bool {
		got := sha1.Sum(append([]byte(password), sum[sha1.Size:]...)) //nolint:gosec // see the import
		return subtle.ConstantTimeCompare(got[:], sum[:sha1.Size]) == 1
	}, nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
