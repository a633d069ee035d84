package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kolo/xmlrpc"

	"github.com/vigilance-go/vigilance/test/peer"
)

// withPassword is the configuration of a daemon that asks for a password, over
// TCP and over its socket, and of programs for clients to play with.
const withPassword = "[unix_http_server]\nfile=%(here)s/rpc.sock\nusername=me\npassword=secret\n" +
	"[inet_http_server]\nport=127.0.0.1:{port}\nusername=me\npassword=secret\n" + rpcSections +
	"username=me\npassword=secret\n" +
	"[program:alone]\ncommand=cat\nstartsecs=0\n" +
	"[program:talks]\ncommand=/bin/sh -c \"echo 'so <much> & more'; echo $SUPERVISOR_SERVER_URL; exec sleep 1000\"\nstdout_logfile=%(here)s/out/talks.stdout\n" +
	"[program:broken]\ncommand=/no/such/file\nautostart=false\n" +
	"[program:a]\ncommand=sleep 1000\nstartsecs=0\n[program:b]\ncommand=sleep 1000\nstartsecs=0\n" +
	"[group:web]\nprograms=a,b\n" +
	"[include]\nfiles=out/*.conf\n"

// clientScenario is a daemon with a password that clients talk to.
func clientScenario(talk func(d *peer.Daemon, port string) error) scenario {
	return scenario{
		config: withPassword,
		files:  map[string]string{"fresh.conf": "[program:fresh]\ncommand=sleep 1000\nstartsecs=0\n"},
		drive: func(d *peer.Daemon) error {
			if err := d.WaitLog("success: ", 4); err != nil {
				return err
			}
			conf, err := os.ReadFile(d.Path("supervisord.conf"))
			if err != nil {
				return err
			}
			_, port, _ := strings.Cut(string(conf), "port=127.0.0.1:")
			port, _, _ = strings.Cut(port, "\n")
			return talk(d, port)
		},
	}
}

// keep writes what a client printed to a file of out/, without the port.
func keep(d *peer.Daemon, name, port, text string) error {
	return os.WriteFile(d.Path("out/"+name), []byte(strings.ReplaceAll(text, port, "PORT")), 0o644)
}

// TestPythonClients compares the answers that Python's clients receive.
func TestPythonClients(t *testing.T) {
	t.Parallel()
	ref := findReference(t)
	script, err := filepath.Abs("testdata/clients.py")
	if err != nil {
		t.Fatal(err)
	}
	want, got := runBoth(t, clientScenario(func(d *peer.Daemon, port string) error {
		out, err := exec.Command(ref.python, script, port, d.Path("rpc.sock")).CombinedOutput()
		if err != nil {
			return fmt.Errorf("run %s: %w: %s", script, err, out)
		}
		return keep(d, "python", port, string(out))
	}))
	sameLines(t, "what Python's clients received", strings.Split(want.out["python"], "\n"), strings.Split(got.out["python"], "\n"))
	if lines := strings.Count(got.out["python"], "\n"); lines < 60 {
		t.Errorf("clients.py printed %d lines, want an answer for each call:\n%s", lines, got.out["python"])
	}
}

// TestKoloClient compares the answers that kolo/xmlrpc's own client receives, as
// Go programs use it, over TCP with a password.
func TestKoloClient(t *testing.T) {
	t.Parallel()
	want, got := runBoth(t, clientScenario(func(d *peer.Daemon, port string) error {
		var lines strings.Builder
		for _, userinfo := range []string{"me:secret@", "me:wrong@", ""} {
			client, err := xmlrpc.NewClient("http://"+userinfo+"127.0.0.1:"+port+"/RPC2", nil)
			if err != nil {
				return err
			}
			var state struct {
				Code int    `xmlrpc:"statecode"`
				Name string `xmlrpc:"statename"`
			}
			err = client.Call("supervisor.getState", nil, &state)
			fmt.Fprintf(&lines, "getState as %q: %+v, %v\n", userinfo, state, err)
			var infos []struct {
				Name  string `xmlrpc:"name"`
				Group string `xmlrpc:"group"`
				State int    `xmlrpc:"state"`
			}
			err = client.Call("supervisor.getAllProcessInfo", nil, &infos)
			fmt.Fprintf(&lines, "getAllProcessInfo: %+v, %v\n", infos, err)
			var done bool
			for _, args := range [][]any{{"web:a", true}, {"web:a"}, {"nobody"}} {
				err = client.Call("supervisor.stopProcess", args, &done)
				fmt.Fprintf(&lines, "stopProcess %v: %v, %v\n", args, done, err)
			}
			err = client.Call("supervisor.startProcess", []any{"web:a", true}, &done)
			fmt.Fprintf(&lines, "startProcess: %v, %v\n", done, err)
			_ = client.Close() // it may have given up by itself
		}
		return keep(d, "kolo", port, lines.String())
	}))
	sameLines(t, "what kolo's client received", strings.Split(want.out["kolo"], "\n"), strings.Split(got.out["kolo"], "\n"))
}

// TestTelegraf compares what Telegraf's input gathers. It speaks TCP only.
func TestTelegraf(t *testing.T) {
	t.Parallel()
	plugin := filepath.Join(t.TempDir(), "telegraf")
	if out, err := exec.Command("go", "build", "-C", "telegraf", "-o", plugin, ".").CombinedOutput(); err != nil {
		missingPeer(t, "Telegraf, a Go module", fmt.Errorf("%w: %s", err, out))
	}
	want, got := runBoth(t, clientScenario(func(d *peer.Daemon, port string) error {
		out, err := exec.Command(plugin, "http://me:secret@127.0.0.1:"+port+"/RPC2").CombinedOutput()
		if err != nil {
			return fmt.Errorf("run Telegraf's input: %w: %s", err, out)
		}
		return keep(d, "telegraf", port, volatile.ReplaceAllString(string(out), "$1:N"))
	}))
	sameLines(t, "what Telegraf gathered", strings.Split(want.out["telegraf"], "\n"), strings.Split(got.out["telegraf"], "\n"))
	if lines := strings.Count(got.out["telegraf"], "\n"); lines != 6 {
		t.Errorf("Telegraf gathered %q, want the daemon and 5 processes", got.out["telegraf"])
	}
}

// volatile finds what differs from run to run in Telegraf's metrics.
var volatile = regexp.MustCompile(`\b(pid|uptime):\d+`)

// TestAnsible compares the results of Ansible's supervisorctl module: Debian's
// supervisorctl with its daemon, and ours with ours.
func TestAnsible(t *testing.T) {
	t.Parallel()
	ansible, err := exec.LookPath("ansible-playbook")
	if err != nil {
		missingPeer(t, "Debian's package ansible", err)
	}
	ref := findReference(t)
	playbook, err := filepath.Abs("testdata/ansible.yml")
	if err != nil {
		t.Fatal(err)
	}
	playedWith := func(ctl string) scenario {
		return clientScenario(func(d *peer.Daemon, port string) error {
			for name, server := range map[string]map[string]string{
				"unix": {"config": d.Path("supervisord.conf")},
				"tcp":  {"server_url": "http://127.0.0.1:" + port, "username": "me", "password": "secret"},
			} {
				server["supervisorctl_path"] = ctl
				tags := "all"
				if name == "tcp" {
					tags = "few" // what differs is only the way there
				}
				text, err := play(ansible, playbook, tags, ref.python, d, server)
				if err != nil {
					return err
				}
				if err := keep(d, "ansible-"+name, port, text); err != nil {
					return err
				}
			}
			return nil
		})
	}
	want, got := runPair(t, playedWith("/usr/bin/supervisorctl"), playedWith(filepath.Join(os.Getenv(binVariable), "supervisorctl")))
	for name, most := range map[string]int{"ansible-unix": 8, "ansible-tcp": 3} {
		sameLines(t, name, strings.Split(want.out[name], "\n"), strings.Split(got.out[name], "\n"))
		if changed := strings.Count(got.out[name], "changed true"); changed < most {
			t.Errorf("%s: %d tasks changed something, want at least %d:\n%s", name, changed, most, got.out[name])
		}
	}
}

// play runs the playbook's tasks that have the tags, and returns a line for each task.
func play(ansible, playbook, tags, python string, d *peer.Daemon, server map[string]string) (string, error) {
	vars, err := json.Marshal(map[string]any{"server": server, "dir": d.Dir, "ansible_python_interpreter": python})
	if err != nil {
		return "", err
	}
	cmd := exec.Command(ansible, "-i", "localhost,", "--tags", tags, "-e", string(vars), playbook)
	cmd.Dir = d.Dir
	cmd.Env = append(os.Environ(), "HOME="+d.Dir, "ANSIBLE_STDOUT_CALLBACK=json", "ANSIBLE_LOCALHOST_WARNING=false", "ANSIBLE_PIPELINING=true", "LC_ALL=C.UTF-8")
	out, runErr := cmd.Output()
	var report struct {
		Plays []struct {
			Tasks []struct {
				Task  struct{ Name string }
				Hosts map[string]struct {
					Changed, Failed bool
					Msg             string
					Affected        []string
				}
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil || len(report.Plays) != 1 {
		return "", fmt.Errorf("run %s: %w, and its report is not JSON (%w): %s", ansible, runErr, err, out)
	}
	var lines strings.Builder
	for _, task := range report.Plays[0].Tasks {
		r := task.Hosts["localhost"]
		fmt.Fprintf(&lines, "%s: changed %v, failed %v, affected %q, %q\n", task.Task.Name, r.Changed, r.Failed, r.Affected, r.Msg)
	}
	return lines.String(), nil
}
