package footprint

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fileBacked returns how much of files this process has mapped, in KiB.
func fileBacked(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("/proc/self/status has no RssFile:\n%s", text)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTrimUnmapsTheExecutable touches all of the executable first, and goes on
// working with it afterwards.
func TestTrimUnmapsTheExecutable(t *testing.T) {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = smaps.Close() }()
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if found := cleanMappings(smaps, path); len(found) < 2 {
		t.Fatalf("cleanMappings of %s = %v, want its text and its constants at least", path, found)
	}
	before := fileBacked(t)
	Trim()
	if after := fileBacked(t); after > before*3/4 {
		t.Errorf("after Trim %d KiB of files are mapped, and %d before, want a quarter less at least", after, before)
	}
}

func TestCleanMappingsAreThoseOfTheFileThatNobodyWrote(t *testing.T) {
	t.Parallel()
	entry := func(addresses, mode, path, anonymous string) string {
		return addresses + " " + mode + " 00001000 fe:00 10407908                           " + path +
			"\nSize:               1324 kB\nAnonymous:          " + anonymous + " kB\nAnonHugePages:         0 kB\nVmFlags: rd ex mr mw me \n"
	}
	const path = "/opt/my tools/supervisord"
	for name, c := range map[string]struct {
		smaps string
		want  []mapping
	}{
		"text and constants": {entry("00400000-0054b000", "r-xp", path, "0") + entry("0054b000-006c9000", "r--p", path, "0"),
			[]mapping{{0x400000, 0x54b000}, {0x54b000, 0x6c9000}}},
		"data":                  {entry("006c9000-006ed000", "rw-p", path, "0"), nil},
		"written by the linker": {entry("006c9000-006ed000", "r--p", path, "12"), nil},
		"another file":          {entry("006c9000-006ed000", "r-xp", "/lib/libc.so.6", "0"), nil},
		"no file":               {"006c9000-006ed000 r--p 00000000 00:00 0 \nAnonymous:             0 kB\n", nil},
		"noise":                 {strings.Repeat("Anonymous:             0 kB\na: b\n", 3), nil},
	} {
		if got := cleanMappings(strings.NewReader(c.smaps), path); !slices.Equal(got, c.want) {
			t.Errorf("%s: cleanMappings = %x, want %x", name, got, c.want)
		}
	}
}
