package config

import (
	"math/big"
	"strings"
	"testing"
)

// FuzzByteSize: what is read is the number times its unit, as far as that goes
// into 64 bits, and is read again from its own digits.
func FuzzByteSize(f *testing.F) {
	for _, seed := range []string{"50MB", "0", "1kb", "2Gb", " 12 ", "-1KB", "9223372036854775807GB", "1_0", "+5", "5 MB", "MB", "١٢", "1.5MB", "0x10", "1e3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := ParseByteSize(text)
		if err != nil {
			if size != 0 {
				t.Fatalf("ParseByteSize(%q) = %d with the error %v, want 0", text, size, err)
			}
			return
		}
		digits, unit := text, int64(1)
		for suffix, of := range map[string]int64{"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30} {
			if n := len(text) - 2; n >= 0 && strings.EqualFold(text[n:], suffix) {
				digits, unit = text[:n], of
			}
		}
		number, err := ParseInteger(digits)
		if err != nil {
			return // a letter that is only lower-cased into one of a suffix
		}
		exact := new(big.Int).Mul(big.NewInt(int64(number)), big.NewInt(unit))
		if exact.IsInt64() && exact.Int64() != size {
			t.Fatalf("ParseByteSize(%q) = %d, want %v", text, size, exact)
		}
		if !exact.IsInt64() && exact.Sign() != big.NewInt(size).Sign() {
			t.Fatalf("ParseByteSize(%q) = %d, want the bound on the side of %v", text, size, exact)
		}
	})
}

// FuzzAccess reads the lists of accounts and of hosts: what they hold is what
// stood there.
func FuzzAccess(f *testing.F) {
	for _, seed := range []string{"root", "0, @0,*", "@", ",,", "a@b", "*.example.com", "127.0.0.1", "[::1]", "host:80", "*", "..", "-1", "@-1", "EXAMPLE.com."} {
		f.Add(seed)
	}
	o := Options{Accounts: accounts{}}
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := o.ParsePeerList(text); err == nil {
			if n := len(l.UIDs) + len(l.GIDs); n > strings.Count(text, ",")+1 {
				t.Fatalf("ParsePeerList(%q) = %+v, want at most one account between two commas", text, l)
			}
			if l.Everybody && !strings.Contains(text, "*") {
				t.Fatalf("ParsePeerList(%q) = %+v, want everybody only for *", text, l)
			}
		}
		hosts, err := parseHosts(text)
		for _, host := range hosts {
			if err != nil || host == "" || strings.ContainsAny(host, "/ ,@") || host != strings.ToLower(host) {
				t.Fatalf("parseHosts(%q) = %q, %v, want names in lower case", text, hosts, err)
			}
		}
		if role, err := ParseRole(text); err == nil && strip(text) != role.String() {
			t.Fatalf("ParseRole(%q) = %v", text, role)
		}
	})
}
