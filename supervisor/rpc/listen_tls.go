package rpc

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// lookAtCertificates is the least time between two looks at a certificate's
// files: a renewed one comes into use without a restart.
const lookAtCertificates = 10 * time.Second

// certificate is a server's certificate with its key and the authorities for
// those of clients, as its files held them when they were read last.
type certificate struct {
	server config.Server
	log    *mainlog.Logger

	mu     sync.Mutex
	config *tls.Config
	looked time.Time
	stamps [3]time.Time // of the files, when they were read
	failed string       // why the newest files are not in use
}

// listenTLS speaks TLS on the listener's connections. The error names the file
// that cannot be read.
func listenTLS(l net.Listener, server config.Server, log *mainlog.Logger) (net.Listener, error) {
	c := &certificate{server: server, log: log, looked: time.Now()}
	c.stamps = c.modified()
	var err error
	if c.config, err = c.load(); err != nil {
		return nil, fmt.Errorf("section [%s]: %w", server.Section, err)
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current(time.Now()), nil },
	}), nil
}

// load reads the files.
func (c *certificate) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.server.CertFile, c.server.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate %q with key %q: %w", c.server.CertFile, c.server.KeyFile, err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	if c.server.ClientCA == "" {
		return conf, nil
	}
	authorities, err := os.ReadFile(c.server.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read client authorities: %w", err)
	}
	conf.ClientCAs = x509.NewCertPool()
	if !conf.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("read client authorities %q: want PEM certificates", c.server.ClientCA)
	}
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	return conf, nil
}

// modified returns when each of the files was changed last.
func (c *certificate) modified() (stamps [3]time.Time) {
	for i, file := range []string{c.server.CertFile, c.server.KeyFile, c.server.ClientCA} {
		if info, err := os.Stat(file); err == nil && file != "" {
			stamps[i] = info.ModTime()
		}
	}
	return stamps
}

// current returns what is in use, after a look at the files if the last one is
// long ago. Files that cannot be read, as in the middle of a renewal, change
// nothing.
func (c *certificate) current(now time.Time) *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < lookAtCertificates {
		return c.config
	}
	c.looked = now
	stamps := c.modified()
	if stamps == c.stamps {
		return c.config
	}
	conf, err := c.load()
	if err != nil {
		if c.failed != err.Error() {
			c.failed = err.Error()
			c.log.Logf(mainlog.Error, "the changed certificate of [%s] is not used: %v", c.server.Section, err)
		}
		return c.config
	}
	c.config, c.stamps, c.failed = conf, stamps, ""
	c.log.Logf(mainlog.Info, "the certificate of [%s] was read again", c.server.Section)
	return c.config
}
