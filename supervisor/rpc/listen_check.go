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

// CheckPasswords tells which password cannot be read: a file that is not there,
// or a hash that is none. The error is the one of Serve.
func CheckPasswords(servers []config.Server, users []config.User) error {
	for _, server := range servers {
		if !hasPassword(server) {
			continue
		}
		if _, err := newCredential(*server.Username, *server.Password); err != nil {
			return fmt.Errorf("section [%s]: %w", server.Section, err)
		}
	}
	for _, user := range users {
		if _, err := newCredential(user.Name, user.Password); err != nil {
			return fmt.Errorf("section [%s]: %w", user.Section, err)
		}
	}
	return nil
}
