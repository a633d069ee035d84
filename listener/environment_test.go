package listener_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vigilance-go/vigilance/listener"
)

func TestReadEnvironment(t *testing.T) {
	vars := map[string]string{
		"SUPERVISOR_ENABLED": "1", "SUPERVISOR_SERVER_URL": "unix:///run/supervisor.sock", "SUPERVISOR_PROCESS_NAME": "crashes_0",
		"SUPERVISOR_GROUP_NAME": "crashes", "SUPERVISOR_USERNAME": "chris", "SUPERVISOR_PASSWORD": "123",
	}
	want := listener.Environment{
		Enabled: true, ServerURL: "unix:///run/supervisor.sock", ProcessName: "crashes_0",
		GroupName: "crashes", Username: "chris", Password: "123",
	}
	got := listener.ReadEnvironment(func(key string) string { return vars[key] })
	if got != want {
		t.Errorf("ReadEnvironment = %#v, want %#v", got, want)
	}
	if got := listener.ReadEnvironment(func(string) string { return "" }); got != (listener.Environment{}) {
		t.Errorf("ReadEnvironment without variables = %#v, want nothing", got)
	}
}

func TestEnvironmentPrintsNoPassword(t *testing.T) {
	env := listener.Environment{ServerURL: "http://localhost:9001", Username: "chris", Password: "secret"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "env", env)
	for _, text := range []string{log.String(), fmt.Sprint(env), fmt.Sprintf("%+v %s", env, env)} {
		if strings.Contains(text, "secret") || !strings.Contains(text, "http://localhost:9001") {
			t.Errorf("the environment prints as %q, want the URL and no password", text)
		}
	}
}
