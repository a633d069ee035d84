package memory

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// family starts a shell with two children, of which one has a child, and
// returns the shell's pid and those of all four.
func family(t *testing.T) (root int, all []int) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & echo $!; (sleep 1000 & echo $!; echo started; wait) & echo $!; wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all = []int{cmd.Process.Pid}
	t.Cleanup(func() {
		for _, pid := range all {
			if p, err := os.FindProcess(pid); err == nil {
				_ = p.Kill()
			}
		}
		_ = cmd.Wait() // it was killed
	})
	text := make([]byte, 0, 100)
	for buf := make([]byte, 100); len(strings.Fields(string(text))) < 4; {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, buf[:n]...)
	}
	for _, word := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			all = append(all, pid)
		}
	}
	return cmd.Process.Pid, all
}

// psRSS is what ps says, in bytes.
func psRSS(t *testing.T, pids ...int) (total int64) {
	t.Helper()
	if _, err := exec.LookPath("ps"); err != nil {
		const missing = "no ps: needs Debian's package procps"
		if os.Getenv("VIGILANCE_REQUIRE_PEERS") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	for _, pid := range pids {
		out, err := exec.Command("ps", "-orss=", "-p", fmt.Sprint(pid)).Output()
		if err != nil {
			t.Fatal(err)
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += kib << 10
	}
	return total
}

// What is measured is what ps shows, which is what superlance measures; without
// /proc, ps is asked.
func TestRSSIsWhatPsShows(t *testing.T) {
	root, all := family(t)
	for _, cumulative := range []bool{false, true} {
		m, err := NewMeter(RSS, cumulative)
		if err != nil {
			t.Fatal(err)
		}
		fallback := &Meter{measure: RSS, cumulative: cumulative, source: &psTable{run: runPS}}
		members := []int{root}
		if cumulative {
			members = all
		}
		// The last of them may still be on its way from shell to sleep.
		var got, other []int64
		var want int64
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			want = psRSS(t, members...)
			if got, err = m.Read([]int{root, 1<<22 - 1}); err != nil {
				t.Fatal(err)
			}
			if other, err = fallback.Read([]int{root, 1<<22 - 1}); err != nil {
				t.Fatal(err)
			}
			if reflect.DeepEqual(got, []int64{want, Unknown}) && reflect.DeepEqual(other, got) {
				break
			}
		}
		if wanted := []int64{want, Unknown}; !reflect.DeepEqual(got, wanted) || !reflect.DeepEqual(other, wanted) {
			t.Errorf("cumulative %v: Read = %d, by ps %d; want %d", cumulative, got, other, wanted)
		}
	}
}

// A process tree as superlance's own test has it.
func TestTreeIsAddedUp(t *testing.T) {
	table := &psTable{run: func() ([]byte, error) {
		return []byte("  1 99 100\n  2  1 200\n  3  2 300\n  4  2 400\n 99 0 5\nnonsense\n 7 7 50\n"), nil
	}}
	m := &Meter{measure: RSS, cumulative: true, source: table}
	got, err := m.Read([]int{1, 2, 3, 99, 5, 7})
	if want := []int64{1000 << 10, 900 << 10, 300 << 10, 1005 << 10, Unknown, 50 << 10}; !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("Read = %d, %v; want %d", got, err, want)
	}
	broken := errors.New("no ps")
	table.run = func() ([]byte, error) { return nil, broken }
	if _, err := m.Read([]int{1}); !errors.Is(err, broken) {
		t.Errorf("Read without ps = %v, want %v", err, broken)
	}
}

func TestOtherMeasures(t *testing.T) {
	if runtime.GOOS != "linux" {
		if _, err := NewMeter(PSS, false); err == nil || !strings.Contains(err.Error(), "/proc") {
			t.Errorf("NewMeter(pss) = %v, want an error that names /proc", err)
		}
		return
	}
	sizes := map[Measure]int64{}
	for _, measure := range Measures() {
		m, err := NewMeter(measure, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Read([]int{os.Getpid(), 1<<22 - 1})
		if err != nil || got[1] != Unknown {
			t.Errorf("%s: Read = %d, %v; want unknown for a process that is not there", measure, got, err)
		}
		sizes[measure] = got[0]
	}
	// What is shared is small beside what a test has for itself.
	if slack := sizes[RSS] / 4; sizes[USS] <= 0 || sizes[USS] > sizes[PSS]+slack || sizes[PSS] > sizes[RSS]+slack {
		t.Errorf("sizes = %v, want uss <= pss <= rss", sizes)
	}
	if _, err := CgroupOf(os.Getpid()); err == nil && sizes[Cgroup] <= 0 {
		t.Errorf("cgroup's memory = %d, want more than 0", sizes[Cgroup])
	}
	if _, err := NewMeter("vsz", false); err == nil {
		t.Error("NewMeter(vsz) = nil, want an error")
	}
}

// Whose child a process is changes when its parent ends.
func TestTableSeesNewParents(t *testing.T) {
	table, err := NewTable()
	if err != nil {
		t.Fatal(err)
	}
	root, all := family(t)
	child, middle := 0, 0
	for deadline := time.Now().Add(time.Minute); child == 0 && time.Now().Before(deadline); {
		parents, err := table.Parents()
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range all {
			if above := parents[pid]; above != root && above != os.Getpid() && parents[above] == root {
				child, middle = pid, above
			}
		}
	}
	if child == 0 {
		t.Fatalf("no grandchild of %d among %v", root, all)
	}
	process, err := os.FindProcess(middle)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	above := middle
	for deadline := time.Now().Add(time.Minute); above == middle && time.Now().Before(deadline); {
		parents, err := table.Parents()
		if err != nil {
			t.Fatal(err)
		}
		if _, there := parents[middle]; !there {
			above = parents[child]
		}
	}
	if above == middle || above == 0 {
		t.Errorf("parent of %d = %d after the end of %d, want another", child, above, middle)
	}
}

func TestFindGroup(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"v1/memory/app/memory.usage_in_bytes": "4096\n", "v1/memory/app/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
		"v1/memory/memory.usage_in_bytes": "1\n", "v1/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
		"v2/app/memory.current": "8192\n", "v2/app/memory.events": "low 0\noom 9\noom_kill 5\noom_group_kill 0\n",
		"v2/new/memory.current": "1\n", "v2/new/memory.events": "oom_kill 5\n", "v2/new/memory.events.local": "oom_kill 2\n",
		"v2/memory.current": "16384\n", "v2/memory.events": "oom_kill 0\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		root, text string
		dir        string // empty for an error
		usage      int64
		kills      int64 // -1 for an error
	}{
		{"v1", "4:memory:/app\n1:cpu:/\n0::/x\n", "memory/app", 4096, 3},
		{"v1", "4:cpu,memory:/elsewhere\n", "memory", 1, -1},
		{"v2", "0::/app\n", "app", 8192, 5},
		{"v2", "0::/new\n", "new", 1, 2},
		{"v2", "0::/docker/0123\n", "", 16384, 0},
		{"none", "0::/app\n", "-", 0, 0},
		{"v2", "1:cpu:/\n", "-", 0, 0},
	} {
		g, err := findGroup(tt.text, filepath.Join(root, tt.root))
		if (err != nil) != (tt.dir == "-") {
			t.Errorf("findGroup(%q) = %+v, %v; want %q", tt.text, g, err, tt.dir)
			continue
		}
		if err != nil {
			continue
		}
		usage, usageErr := g.Usage()
		kills, killsErr := g.OOMKills()
		if g.Dir != filepath.Join(root, tt.root, tt.dir) || usage != tt.usage || usageErr != nil || (killsErr != nil) != (tt.kills < 0) || killsErr == nil && kills != tt.kills {
			t.Errorf("findGroup(%q) = %q, %d bytes, %v, %d kills, %v; want %q, %d, %d",
				tt.text, g.Dir, usage, usageErr, kills, killsErr, tt.dir, tt.usage, tt.kills)
		}
	}
}

func TestKillsAreReadFromTheKernelsLog(t *testing.T) {
	const summary = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/app,task_memcg=/app/x,task=we,ird,pid=123,uid=0"
	const killed = "Memory cgroup out of memory: Killed process 123 (we,ird) total-vm:101036kB, anon-rss:99480kB, file-rss:0kB, UID:0 pgtables:240kB oom_score_adj:0"
	const global = "Out of memory: Killed process 77 (java) total-vm:1kB"
	const allocating = "Out of memory (oom_kill_allocating_task): Killed process 78 (java) total-vm:1kB"
	for _, tt := range []struct {
		records []string
		want    []Kill
	}{
		{nil, nil},
		{[]string{"6,1,2,-;" + summary + "\n SUBSYSTEM=x\n", "3,2,2,-;" + killed + "\n"}, []Kill{{123, "we,ird", "/app/x", killed}}},
		{[]string{"3,2,2,-;" + killed}, []Kill{{123, "we,ird", "", killed}}},
		{[]string{"6,1,2,-;" + summary}, []Kill{{123, "we,ird", "/app/x", summary}}},
		{[]string{"3,2,2,c;" + global, "3,2,2,-;" + allocating}, []Kill{{77, "java", "", global}, {78, "java", "", allocating}}},
		{[]string{"12,2,2,-;" + global, "nonsense", "x,1;" + global, "3,1,2,-;usb 1-1: new device"}, nil}, // written by a process, or no kill
	} {
		var got []Kill
		lines := newKernelLines()
		for _, text := range tt.records {
			if message, ok := record(text); ok {
				got = lines.add(got, message)
			}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("kills in %q = %+v, want %+v", tt.records, got, tt.want)
		}
	}
}
