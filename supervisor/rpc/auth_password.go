package rpc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // {SHA} passwords are the reference's
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// credential is a user name and what is known of its password.
type credential struct {
	username string
	// verify tells whether a password is the right one, in a time that does
	// not depend on how much of it is right.
	verify func(password string) bool
	role   config.Role
	// expensive: a check takes tens of milliseconds of CPU.
	expensive bool
}

// The markers of passwords that are not written out. The first is the
// reference's.
const (
	markerSHA    = "{SHA}"
	markerBcrypt = "{BCRYPT}"
	markerFile   = "{FILE}"
)

// maxSecret bounds the file of a password, in bytes.
const maxSecret = 4096

// newCredential reads a password as it stands in the configuration: written
// out, {SHA} and the hexadecimal SHA-1 of it, {BCRYPT} and its bcrypt hash, or
// {FILE} and the path of a file whose first line is one of these. The error
// never holds the password.
func newCredential(username, password string) (credential, error) {
	c := credential{username: username}
	if path, inFile := strings.CutPrefix(password, markerFile); inFile {
		var err error
		if password, err = secretIn(path); err != nil {
			return c, fmt.Errorf("read the %s password of user %q: %w", markerFile, username, err)
		}
	}
	switch {
	case strings.HasPrefix(password, markerSHA):
		want := password[len(markerSHA):]
		c.verify = func(password string) bool {
			sum := sha1.Sum([]byte(password)) //nolint:gosec // {SHA} passwords are the reference's
			return equal(hex.EncodeToString(sum[:]), want)
		}
	case strings.HasPrefix(password, markerBcrypt):
		hash := []byte(password[len(markerBcrypt):])
		if _, err := bcrypt.Cost(hash); err != nil {
			return c, fmt.Errorf("read the %s password of user %q: want a bcrypt hash after the marker", markerBcrypt, username)
		}
		c.expensive = true
		c.verify = func(password string) bool {
			return bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
		}
	default:
		c.verify = func(given string) bool { return equal(given, password) }
	}
	return c, nil
}

// secretIn returns the first line of a file.
func secretIn(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("the first line of %q is empty", path)
	}
	return line, nil
}

// exposed tells in which mode the file of a password can be used by others
// than its owner; 0 where it cannot, or where there is no file.
func exposed(password string) (path string, mode fs.FileMode) {
	path, inFile := strings.CutPrefix(password, markerFile)
	if info, err := os.Stat(path); inFile && err == nil && info.Mode().Perm()&0o077 != 0 {
		return path, info.Mode().Perm()
	}
	return path, 0
}

// equal compares in a time that depends on neither text.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

const (
	// rememberFor is how long a password that was right is taken as right
	// again without the work of a check.
	rememberFor = 5 * time.Minute
	// maxRemembered bounds the credentials that are remembered.
	maxRemembered = 1024
)

// memory remembers who gave the right password from where, so that clients
// that ask every second do not cost a bcrypt check each time, nor wait where
// somebody guesses passwords. It holds keyed hashes, of which the key is made
// anew in each run and never leaves it.
type memory struct {
	key []byte
	now func() time.Time

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newMemory(now func() time.Time) *memory {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // which never fails: it would rather crash
	return &memory{key: key, now: now, until: make(map[[sha256.Size]byte]time.Time)}
}

// digest is what is remembered of a credential. Lengths keep the parts apart.
func (m *memory) digest(client, username, password string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, m.key)
	_, _ = fmt.Fprintf(mac, "%d %s %d %s %s", len(client), client, len(username), username, password)
	return [sha256.Size]byte(mac.Sum(nil))
}

// holds tells whether the credential was right lately, and then remembers it
// for longer.
func (m *memory) holds(client, username, password string) bool {
	digest := m.digest(client, username, password)
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[digest]
	if !ok || now.After(until) {
		return false
	}
	m.until[digest] = now.Add(rememberFor)
	return true
}

func (m *memory) add(client, username, password string) {
	digest := m.digest(client, username, password)
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.until) >= maxRemembered {
		m.makeRoom(now)
	}
	m.until[digest] = now.Add(rememberFor)
}

// makeRoom forgets what is out of date, or else any eighth.
func (m *memory) makeRoom(now time.Time) {
	for digest, until := range m.until {
		if now.After(until) {
			delete(m.until, digest)
		}
	}
	for digest := range m.until {
		if len(m.until) <= maxRemembered*7/8 {
			return
		}
		delete(m.until, digest)
	}
}
