package mailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// login is the server's side of a login: Next answers each response of the
// client, until one matches want.
type login struct {
	challenges []string // what to ask, one after the other
	want       []string // what to hear
	failure    string   // a challenge that tells of a failure, or empty
	ok         func()
	step       int
	failed     bool
}

// newLogin returns the server's side of a mechanism.
func newLogin(mechanism, user, password string, ok func()) (sasl.Server, error) {
	switch mechanism {
	case "PLAIN":
		return &login{challenges: []string{""}, want: []string{"\x00" + user + "\x00" + password}, ok: ok}, nil
	case "LOGIN":
		return &login{challenges: []string{"Username:", "Password:"}, want: []string{user, password}, ok: ok}, nil
	case "CRAM-MD5":
		const challenge = "<1.1@mailtest>"
		mac := hmac.New(md5.New, []byte(password))
		mac.Write([]byte(challenge))
		return &login{challenges: []string{challenge}, want: []string{user + " " + hex.EncodeToString(mac.Sum(nil))}, ok: ok}, nil
	case "XOAUTH2":
		return &login{
			challenges: []string{""}, failure: `{"status":"401"}`, ok: ok,
			want: []string{"user=" + user + "\x01auth=Bearer " + password + "\x01\x01"},
		}, nil
	default:
		return nil, smtp.ErrAuthUnknownMechanism
	}
}

// Next implements sasl.Server.
func (l *login) Next(response []byte) (challenge []byte, done bool, err error) {
	if l.failed {
		return nil, false, smtp.ErrAuthFailed
	}
	if response == nil {
		return []byte(l.challenges[l.step]), false, nil
	}
	if !bytes.Equal(response, []byte(l.want[l.step])) {
		if l.failure != "" {
			l.failed = true
			return []byte(l.failure), false, nil
		}
		return nil, false, smtp.ErrAuthFailed
	}
	l.step++
	if l.step < len(l.challenges) {
		return []byte(l.challenges[l.step]), false, nil
	}
	l.ok()
	return nil, true, nil
}

// certificate makes a certificate for this machine and the file to check it
// with.
func certificate(t testing.TB) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "mailtest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
