// Package packaging_test looks at what installs vigilance, as far as that can
// be done without building or installing it; "make package-test" does the rest.
package packaging_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installMake runs make in the checkout with stand-ins for what is built,
// installing into dest.
func installMake(t *testing.T, dest string, target string) {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed (Debian package make)")
	}
	built := t.TempDir()
	entries, err := os.ReadDir("../cmd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == "internal" {
			continue
		}
		for _, file := range []string{"bin/" + name, "man/" + name + ".1", "bash/" + name, "zsh/_" + name, "fish/" + name + ".fish"} {
			path := filepath.Join(built, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("make", "-C", "..", target, "DESTDIR="+dest, "PREFIX=/opt/v", "BIN="+built+"/bin", "SHARE="+built)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, said)
	}
}

// files returns the files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInstallAndUninstall(t *testing.T) {
	dest := t.TempDir()
	installMake(t, dest, "install")
	installed := files(t, dest)
	const conf, unit = "/etc/supervisor/supervisord.conf", "/opt/v/lib/systemd/system/supervisor.service"
	for _, want := range []string{
		"/opt/v/bin/supervisord", "/opt/v/bin/crashmail", conf, unit,
		"/opt/v/share/man/man1/supervisorctl.1", "/opt/v/share/bash-completion/completions/supervisorctl",
		"/opt/v/share/zsh/site-functions/_httpok", "/opt/v/share/fish/vendor_completions.d/memmon.fish",
	} {
		if !slices.Contains(installed, want) {
			t.Errorf("make install: %q, want %s among them", installed, want)
		}
	}
	if info, err := os.Stat(dest + "/opt/v/bin/supervisord"); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("supervisord: %v, %v, want mode 0755", info, err)
	}
	checkUnit(t, dest, unit)

	if err := os.WriteFile(dest+conf, []byte("; mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	installMake(t, dest, "install")
	installMake(t, dest, "uninstall")
	if got, err := os.ReadFile(dest + conf); err != nil || string(got) != "; mine" {
		t.Errorf("the user's configuration: %q, %v, want it as it was", got, err)
	}
	if left := files(t, dest); !slices.Equal(left, []string{conf}) {
		t.Errorf("after make uninstall: %q, want the configuration alone", left)
	}
}

// checkUnit looks at the unit, with systemd's own eyes where they are.
func checkUnit(t *testing.T, dest, unit string) {
	t.Helper()
	text, err := os.ReadFile(dest + unit)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nType=notify\n", "\nExecStart=/opt/v/bin/supervisord -n ", "-c /etc/supervisor/supervisord.conf\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s:\n%s\nwant %q in it", unit, text, want)
		}
	}
	if strings.Contains(string(text), "@") {
		t.Errorf("%s:\n%s\nwant every @NAME@ replaced", unit, text)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Log("systemd-analyze is not installed (Debian package systemd), so it does not verify the unit")
		return
	}
	// It wants the command to exist.
	local := filepath.Join(t.TempDir(), "supervisor.service")
	if err := os.WriteFile(local, []byte(strings.ReplaceAll(string(text), "/opt/v/bin", dest+"/opt/v/bin")), 0o644); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("systemd-analyze", "verify", "--man=no", local).CombinedOutput(); err != nil || strings.Contains(string(said), "supervisor.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
}

// TestScripts has a shell read the scripts, and shellcheck where it is.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("scripts/*")
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := filepath.Glob("deb-scenarios/*")
	if err != nil {
		t.Fatal(err)
	}
	scripts = append(append(scripts, scenarios...), "version", "sysv/supervisor.in", "test-deb", "test-rpm", "test-reproducible")
	shellcheck, missing := exec.LookPath("shellcheck")
	if missing != nil {
		t.Log("shellcheck is not installed, so bash alone reads the scripts")
	}
	for _, script := range scripts {
		if said, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("bash -n %s: %v\n%s", script, err, said)
		}
		if missing == nil {
			if said, err := exec.Command(shellcheck, script).CombinedOutput(); err != nil {
				t.Errorf("shellcheck %s: %v\n%s", script, err, said)
			}
		}
	}
}
