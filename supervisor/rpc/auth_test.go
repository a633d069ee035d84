package rpc

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
)

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return markerBcrypt + string(hash)
}

func TestCredentialMatches(t *testing.T) {
	const sha = "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4" // of "secret"
	hash := bcryptOf(t, "secret")
	tests := []struct {
		stored, username, password string
		want                       bool
	}{
		{"secret", "user", "secret", true},
		{"secret", "user", "Secret", false},
		{"secret", "user", "secret ", false},
		{"secret", "user", "", false},
		{"secret", "User", "secret", false},
		{"secret", "", "secret", false},
		{"", "user", "", true},
		{"", "user", "x", false},
		{"pa:ss", "user", "pa:ss", true},
		{sha, "user", "secret", true},
		{sha, "user", "Secret", false},
		{sha, "user", sha, false},
		{sha, "user", sha[5:], false},
		{strings.ToUpper(sha), "user", "secret", false}, // as the reference
		{"{SHA}", "user", "", false},
		{"{sha}x", "user", "{sha}x", true},
		{hash, "user", "secret", true},
		{hash, "user", "Secret", false},
		{hash, "root", "secret", false},
		{hash, "user", hash, false},
		{strings.Replace(hash, "$2a$", "$2y$", 1), "user", "secret", true},
		{strings.Replace(hash, "$2a$", "$2b$", 1), "user", "secret", true},
	}
	for _, tt := range tests {
		c, err := newCredential("user", tt.stored)
		if err != nil {
			t.Fatalf("newCredential(%q): %v", tt.stored, err)
		}
		g := newGuard([]credential{c}, nil, nil)
		if got := g.check(t.Context(), "", tt.username, tt.password) == nil; got != tt.want {
			t.Errorf("password %q: check(%q, %q) is right: %v, want %v", tt.stored, tt.username, tt.password, got, tt.want)
		}
	}
	for _, stored := range []string{"{BCRYPT}", "{BCRYPT}hunter2", "{BCRYPT}$2a$10$short"} {
		_, err := newCredential("user", stored)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("newCredential(%q): got %v, want an error without the password", stored, err)
		}
	}
}

func TestDecodeBasic(t *testing.T) {
	tests := []struct {
		text, username, password string
		ok                       bool
	}{
		{"dXNlcjpzZWNyZXQ=", "user", "secret", true},
		{" dXNlcjpzZWNyZXQ= ", "user", "secret", true},
		{"dXNlcjpzZWNyZXQ", "user", "secret", true},
		{"dTpwOng=", "u", "p:x", true},
		{"Og==", "", "", true},
		{"", "", "", false},
		{"dXNlcg==", "user", "", false},
		{"!", "", "", false},
		{"d", "", "", false},
	}
	for _, tt := range tests {
		username, password, ok := decodeBasic(tt.text)
		if ok != tt.ok || ok && (username != tt.username || password != tt.password) {
			t.Errorf("decodeBasic(%q) = %q, %q, %v, want %q, %q, %v", tt.text, username, password, ok, tt.username, tt.password, tt.ok)
		}
	}
}

// guarded returns a guard that counts how often it checks a password, and a
// way to send a request through it.
func guarded(t *testing.T) (checks *atomic.Int64, ask func(client, password string) int) {
	t.Helper()
	checks = new(atomic.Int64)
	known := credential{username: "user", role: config.RoleOperator, verify: func(p string) bool { checks.Add(1); return p == "secret" }}
	g := newGuard([]credential{known}, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := access.Of(r.Context()); got.User != "user" || got.Role != config.RoleOperator {
			t.Errorf("the request's user is %q, %v, want user, operator", got.User, got.Role)
		}
		w.WriteHeader(http.StatusOK)
	}))
	return checks, func(client, password string) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("user", password)
		r = r.WithContext(access.With(r.Context(), &access.Caller{Key: client, Role: config.RoleAdmin}))
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		return w.Code
	}
}

func TestWrongPasswordsAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks, ask := guarded(t)
		began := time.Now()
		for i := range freeFailures {
			if code := ask("guesser", fmt.Sprint("wrong", i)); code != http.StatusUnauthorized || time.Since(began) != 0 {
				t.Errorf("wrong password %d: got %d after %v, want 401 at once", i, code, time.Since(began))
			}
		}
		for i := range 20 {
			ask("guesser", fmt.Sprint("wrong again", i))
		}
		if took := time.Since(began); took < 20*time.Second || took > 60*time.Second {
			t.Errorf("25 wrong passwords took %v, want about 2 s each towards the end", took)
		}
		began = time.Now()
		if code := ask("owner", "secret"); code != http.StatusOK || time.Since(began) != 0 {
			t.Errorf("the right password from elsewhere: got %d after %v, want 200 at once", code, time.Since(began))
		}
		if code := ask("guesser", "secret"); code != http.StatusOK || time.Since(began) > longestWait {
			t.Errorf("the right password from the guesser's address: got %d after %v, want 200 within %v", code, time.Since(began), longestWait)
		}
		began = time.Now()
		before := checks.Load()
		if code := ask("guesser", "secret"); code != http.StatusOK || time.Since(began) != 0 || checks.Load() != before {
			t.Errorf("the right password again: got %d after %v with %d checks, want 200 at once without one",
				code, time.Since(began), checks.Load()-before)
		}
		<-time.After(rememberFor + time.Second)
		if ask("guesser", "secret"); checks.Load() == before {
			t.Errorf("the right password after %v was not checked again", rememberFor)
		}
	})
}

// TestManyGuessesAtOnceAreRefused sends guesses in parallel, which would defeat
// a delay of each.
func TestManyGuessesAtOnceAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks, ask := guarded(t)
		for range freeFailures + 1 {
			ask("guesser", "wrong")
		}
		before := checks.Load()
		began := time.Now()
		var codes sync.Map
		var asking sync.WaitGroup
		for i := range 1000 {
			asking.Go(func() { codes.Store(i, ask("guesser", fmt.Sprint(i))) }) // ends with its answer
		}
		asking.Wait()
		refused := 0
		codes.Range(func(_, code any) bool {
			if code == http.StatusTooManyRequests {
				refused++
			}
			return true
		})
		checked := checks.Load() - before
		if checked > 40 || refused < 900 || time.Since(began) > 2*longestWait {
			t.Errorf("1000 guesses at once: %d were checked, %d refused, in %v; want at most 40, and all in %v",
				checked, refused, time.Since(began), 2*longestWait)
		}
	})
}

// TestThrottleForgets bounds what is remembered of guessers.
func TestThrottleForgets(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	th := newThrottle(func() time.Time { return now })
	for i := range 3 * maxClients {
		th.failed(fmt.Sprint(i))
		now = now.Add(time.Millisecond)
	}
	if n := len(th.clients); n > maxClients {
		t.Errorf("%d clients are remembered, want at most %d", n, maxClients)
	}
	for range 2 * freeFailures {
		th.failed("guesser")
	}
	if pause, err := th.reserve("guesser"); err != nil || pause <= 0 {
		t.Errorf("reserve after many failures = %v, %v, want a pause", pause, err)
	}
	now = now.Add(forgetAfter + time.Second)
	if pause, err := th.reserve("guesser"); err != nil || pause != 0 {
		t.Errorf("reserve much later = %v, %v, want none", pause, err)
	}
	m := newMemory(func() time.Time { return now })
	for i := range 3 * maxRemembered {
		m.add(fmt.Sprint(i), "user", "secret")
	}
	if n := len(m.until); n > maxRemembered {
		t.Errorf("%d credentials are remembered, want at most %d", n, maxRemembered)
	}
	if m.holds("x", "user", "secret") {
		t.Error("a credential is remembered for an address that never gave it")
	}
}

// TestExpensiveChecksAreNotRepeated: many connections at once with the right
// password cost one check, and with wrong ones few.
func TestExpensiveChecksAreNotRepeated(t *testing.T) {
	var checks atomic.Int64
	g := newGuard([]credential{{username: "user", expensive: true, verify: func(p string) bool { checks.Add(1); return p == "secret" }}}, nil, nil)
	var asking sync.WaitGroup
	for range 100 {
		asking.Go(func() { // ends with the check
			if err := g.check(t.Context(), "good", "user", "secret"); err != nil {
				t.Errorf("check of the right password: %v", err)
			}
		})
	}
	asking.Wait()
	if n := checks.Load(); n != 1 {
		t.Errorf("100 times the right password at once: %d checks, want 1", n)
	}
	g.one.Lock() // so that all come to the check before the first is done
	for i := range 100 {
		asking.Go(func() { // ends with the check
			err := g.check(t.Context(), "bad", "user", fmt.Sprint(i))
			if !errors.Is(err, errWrong) && !errors.Is(err, errThrottled) {
				t.Errorf("check of a wrong password: %v", err)
			}
		})
	}
	g.one.Unlock()
	asking.Wait()
	if n := checks.Load(); n > 1+2*freeFailures+20 {
		t.Errorf("100 wrong passwords at once: %d checks, want few", n-1)
	}
}

func TestClientKey(t *testing.T) {
	for remote, want := range map[string]string{
		"":                        "unix",
		"@":                       "unix",
		"192.0.2.7:1234":          "192.0.2.7",
		"[::ffff:192.0.2.7]:1":    "192.0.2.7",
		"[2001:db8:1:2:3::4]:999": "2001:db8:1:2::/64",
	} {
		if got := clientKey(remote); got != want {
			t.Errorf("clientKey(%q) = %q, want %q", remote, got, want)
		}
	}
}
