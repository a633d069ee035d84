package rpc

import (
	"fmt"

	"github.com/vigilance-go/vigilance/supervisor/config"
)

// CheckServer tells what would keep a server from starting, as far as its files
// show that. It listens nowhere. The error is the one of Serve.
func CheckServer(server config.Server) error {
	if server.CertFile == "" {
		return nil
	}
	if _, err := (&certificate{server: server}).load(); err != nil {
		return fmt.Errorf("section [%s]: %w", server.Section, err)
	}
	return nil
}
