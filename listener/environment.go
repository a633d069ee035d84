package listener

import "log/slog"

// Environment is what a daemon tells its child processes in environment
// variables (Supervisor docs, subprocess.html, "Subprocess Environment").
type Environment struct {
	// Enabled says that a supervisord runs this process (SUPERVISOR_ENABLED).
	Enabled bool
	// ServerURL is where the daemon's XML-RPC server listens
	// (SUPERVISOR_SERVER_URL): an http URL, or unix:// and a socket's path.
	// Empty when the daemon has no server.
	ServerURL string
	// ProcessName and GroupName are this process's own (SUPERVISOR_PROCESS_NAME,
	// SUPERVISOR_GROUP_NAME).
	ProcessName, GroupName string
	// Username and Password are for the XML-RPC server (SUPERVISOR_USERNAME,
	// SUPERVISOR_PASSWORD). The daemon does not set them; users do, with the
	// environment option, where the server asks for them.
	Username, Password string
}

// ReadEnvironment reads the variables by getenv, in a program os.Getenv.
// Variables that are not set leave their field empty.
func ReadEnvironment(getenv func(string) string) Environment {
	return Environment{
		Enabled:     getenv("SUPERVISOR_ENABLED") != "",
		ServerURL:   getenv("SUPERVISOR_SERVER_URL"),
		ProcessName: getenv("SUPERVISOR_PROCESS_NAME"),
		GroupName:   getenv("SUPERVISOR_GROUP_NAME"),
		Username:    getenv("SUPERVISOR_USERNAME"),
		Password:    getenv("SUPERVISOR_PASSWORD"),
	}
}

// LogValue leaves the password out.
func (e Environment) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Bool("enabled", e.Enabled),
		slog.String("server_url", e.ServerURL),
		slog.String("process", e.ProcessName),
		slog.String("group", e.GroupName),
		slog.String("username", e.Username),
	)
}

// String leaves the password out.
func (e Environment) String() string { return e.LogValue().String() }
