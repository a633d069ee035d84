package rpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// sign writes a certificate and its key into one file.
func (a *authority) sign(t *testing.T, path string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func testLogger(t testing.TB) *mainlog.Logger {
	t.Helper()
	log, err := mainlog.Open(mainlog.Options{Path: filepath.Join(t.TempDir(), "log"), Level: mainlog.Debug})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// TestTLS serves with certificates of a CA of our own.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca, strangers := newAuthority(t, "ours"), newAuthority(t, "strangers")
	file := func(name string) string { return filepath.Join(dir, name) }
	ca.sign(t, file("server.pem"), 100)
	ca.sign(t, file("client.pem"), 200)
	strangers.sign(t, file("stranger.pem"), 300)
	if err := os.WriteFile(file("ca.pem"), ca.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	server := config.Server{
		Kind: config.ServerInet, Section: "inet_http_server",
		CertFile: file("server.pem"), KeyFile: file("server.pem"), ClientCA: file("ca.pem"),
	}
	plain, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := listenTLS(newGate(plain, 10, true), server, testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: http.HandlerFunc(nothing), ConnState: connState, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = h.Serve(listener) }() // ends with h.Close
	defer h.Close()

	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	// get returns the serial number of the server's certificate.
	get := func(client string, version uint16) (int64, error) {
		conf := &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: version}
		if client != "" {
			pair, err := tls.LoadX509KeyPair(file(client), file(client))
			if err != nil {
				t.Fatal(err)
			}
			conf.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: conf}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://" + plain.Addr().String() + "/x")
		if err != nil {
			return 0, err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Proto != "HTTP/1.1" {
			t.Errorf("Get over TLS: %s %s", resp.Proto, resp.Status)
		}
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if serial, err := get("client.pem", 0); err != nil || serial != 100 {
		t.Errorf("Get = %d, %v, want the certificate 100", serial, err)
	}
	if _, err := get("", 0); err == nil {
		t.Error("Get without a client certificate: want an error")
	}
	if _, err := get("stranger.pem", 0); err == nil {
		t.Error("Get with a stranger's certificate: want an error")
	}
	if _, err := get("client.pem", tls.VersionTLS11); err == nil {
		t.Error("Get with TLS 1.1: want an error")
	}
	conn, err := net.Dial("tcp4", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(conn); !strings.HasPrefix(string(text), "HTTP/1.0 400 ") {
		t.Errorf("plain HTTP to a TLS server: got %q, want 400", text)
	}
}

// TestCertificateIsReadAgain renews a certificate, first with half a file.
func TestCertificateIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.pem")
	ca := newAuthority(t, "ours")
	ca.sign(t, path, 1)
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	c := &certificate{server: config.Server{CertFile: path, KeyFile: path}, log: testLogger(t)}
	c.stamps = c.modified()
	var err error
	if c.config, err = c.load(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	serial := func() int64 {
		now = now.Add(lookAtCertificates)
		leaf, err := x509.ParseCertificate(c.current(now).Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("before: certificate %d, want 1", got)
	}
	if err := os.WriteFile(path, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 1 {
		t.Errorf("with half a file: certificate %d, want 1", got)
	}
	ca.sign(t, path, 2)
	if got := serial(); got != 2 {
		t.Errorf("after: certificate %d, want 2", got)
	}
	if _, err := listenTLS(nil, config.Server{Section: "x", CertFile: path + ".none", KeyFile: path}, testLogger(t)); err == nil ||
		!strings.Contains(err.Error(), path+".none") {
		t.Errorf("listenTLS without a certificate: got %v, want an error that names the file", err)
	}
}
