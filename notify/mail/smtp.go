package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/vigilance-go/vigilance/notify"
)

// TLSMode says how a connection to an SMTP server is protected. Its values
// are what users write.
type TLSMode string

// The modes.
const (
	// TLSOpportunistic uses STARTTLS where the server offers it. It protects
	// from those who listen, not from those who interfere: the certificate is
	// only checked where there is a password to lose or a CA file to check with.
	TLSOpportunistic TLSMode = "opportunistic"
	// TLSRequired uses STARTTLS with a checked certificate, or fails.
	TLSRequired TLSMode = "starttls"
	// TLSImplicit is TLS from the first byte, as on port 465, with a checked
	// certificate.
	TLSImplicit TLSMode = "implicit"
	// TLSNone never uses TLS, and sends a password in clear if told one.
	TLSNone TLSMode = "none"
)

// TLSModes returns all modes.
func TLSModes() []TLSMode {
	return []TLSMode{TLSOpportunistic, TLSRequired, TLSImplicit, TLSNone}
}

// AuthMode names a way of logging in to an SMTP server.
type AuthMode string

// The ways. AuthAuto takes the best of the first three that the server
// offers; XOAUTH2 must be asked for, and takes a token for the password.
const (
	AuthAuto    AuthMode = "auto"
	AuthCRAMMD5 AuthMode = "cram-md5"
	AuthPlain   AuthMode = "plain"
	AuthLogin   AuthMode = "login"
	AuthXOAUTH2 AuthMode = "xoauth2"
)

// AuthModes returns all ways.
func AuthModes() []AuthMode {
	return []AuthMode{AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthXOAUTH2}
}

// SMTPOptions say how mails get to an SMTP server.
type SMTPOptions struct {
	Host string
	// Port is 465 for TLSImplicit and 25 for the others when 0.
	Port int
	TLS  TLSMode // TLSOpportunistic when empty
	// CAFile holds the certificates, in PEM, that the server's is checked with,
	// in place of the system's.
	CAFile string
	// User and Password log in; no User, no login.
	User, Password string
	Auth           AuthMode // AuthAuto when empty
	// From is the sender: an address, or a name with one.
	From string
	// Hello is what the client calls itself; the host name when empty.
	Hello string
	// Trace, when not nil, hears the whole conversation, secrets hidden.
	Trace *Trace
}

// SMTP is a notify.Notifier that talks to an SMTP server. m.To is the address
// of the recipient, which may have a name with it.
type SMTP struct {
	o    SMTPOptions
	tls  *tls.Config
	mask *strings.Replacer
}

// NewSMTP checks the options, reads the CA file and returns a Notifier. It
// does not connect. Its errors name the option that is wrong.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	if o.TLS == "" {
		o.TLS = TLSOpportunistic
	}
	if o.Auth == "" {
		o.Auth = AuthAuto
	}
	if o.Port == 0 {
		o.Port = 25
		if o.TLS == TLSImplicit {
			o.Port = 465
		}
	}
	switch {
	case o.Host == "":
		return nil, errors.New("check SMTP options: no host")
	case o.Port < 1 || o.Port > 65535:
		return nil, fmt.Errorf("check SMTP options: port %d, want 1 to 65535", o.Port)
	case !slices.Contains(TLSModes(), o.TLS):
		return nil, fmt.Errorf("check SMTP options: TLS mode %q, want one of %q", o.TLS, TLSModes())
	case !slices.Contains(AuthModes(), o.Auth):
		return nil, fmt.Errorf("check SMTP options: login %q, want one of %q", o.Auth, AuthModes())
	}
	if _, err := netmail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("check SMTP options: sender %q: %w", o.From, err)
	}
	s := &SMTP{o: o, mask: masker(o.User, o.Password), tls: &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12}}
	if o.TLS == TLSOpportunistic && o.Password == "" && o.CAFile == "" {
		s.tls.InsecureSkipVerify = true
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA file: %w", err)
		}
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA file %q: no certificate in it, want PEM", o.CAFile)
		}
	}
	return s, nil
}

// Notify implements notify.Notifier. The context bounds the whole delivery.
func (s *SMTP) Notify(ctx context.Context, m notify.Message) error {
	msg, err := compose(s.o.From, m)
	if err != nil {
		// No repetition makes the address a better one.
		return &notify.PermanentError{Err: fmt.Errorf("write mail to %q: %w", m.To, err)}
	}
	err = s.send(ctx, msg)
	if err == nil || msg.IsDelivered() {
		return nil // what goes wrong after the server's 250 is no matter
	}
	return s.explain(ctx, m, err)
}

// send makes one connection for one mail.
func (s *SMTP) send(ctx context.Context, msg *gomail.Msg) error {
	// go-mail's own limits bound the dial and single replies; closing the
	// connection, as dial does when ctx is done, bounds everything.
	caller := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(caller))
	detach := context.AfterFunc(caller, cancel)
	client, err := gomail.NewClient(s.o.Host, s.clientOptions(ctx, timeout(caller), msg)...)
	if err != nil {
		cancel()
		return err
	}
	s.o.Trace.printf("-- connecting to %s", s.address())
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err == nil {
		err = client.SendWithSMTPClient(conn, msg)
	}
	if err != nil {
		cancel()
		return err
	}
	s.o.Trace.server(s.mask, "250 "+msg.ServerResponse())
	detach() // the caller may cancel its context as soon as this returns
	part := func() {
		defer cancel()
		limit := time.AfterFunc(goodbye, cancel)
		defer limit.Stop()
		_ = client.CloseWithSMTPClient(conn)
	}
	if s.o.Trace != nil {
		part() // and see what the server says
		return nil
	}
	// The mail is delivered, and that must be noted before anything happens to
	// this process.
	go part() // goodbye ends it
	return nil
}

// goodbye is how long a server may take to say goodbye.
const goodbye = time.Second

func (s *SMTP) address() string { return net.JoinHostPort(s.o.Host, strconv.Itoa(s.o.Port)) }

// timeout returns how long there is until a context's deadline.
func timeout(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(time.Until(deadline), time.Millisecond)
	}
	return notify.DefaultTimeout
}

func (s *SMTP) clientOptions(ctx context.Context, timeout time.Duration, msg *gomail.Msg) []gomail.Option {
	policy := gomail.TLSOpportunistic
	switch s.o.TLS {
	case TLSRequired:
		policy = gomail.TLSMandatory
	case TLSNone, TLSImplicit: // dial does the latter
		policy = gomail.NoTLS
	case TLSOpportunistic:
	}
	opts := []gomail.Option{
		gomail.WithPort(s.o.Port),
		gomail.WithTimeout(timeout),
		gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(s.tls),
		gomail.WithDialContextFunc(func(dialCtx context.Context, network, address string) (net.Conn, error) {
			return s.dial(ctx, dialCtx, network, address)
		}),
		gomail.WithoutNoop(),
		gomail.WithoutRset(),
	}
	if s.o.Hello != "" {
		opts = append(opts, gomail.WithHELO(s.o.Hello))
	}
	if s.o.Trace != nil {
		opts = append(opts, gomail.WithDebugLog(), gomail.WithLogger(&tracer{t: s.o.Trace, mask: s.mask, msg: msg}))
	}
	return append(opts, s.authOptions()...)
}

// authOptions names the ways to log in. Only TLSNone is the user's consent to
// send the password in clear.
func (s *SMTP) authOptions() []gomail.Option {
	if s.o.User == "" {
		return nil
	}
	plain, login := gomail.SMTPAuthPlain, gomail.SMTPAuthLogin
	if s.o.TLS == TLSNone {
		plain, login = gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc
	}
	opts := []gomail.Option{gomail.WithUsername(s.o.User), gomail.WithPassword(s.o.Password)}
	switch s.o.Auth {
	case AuthPlain:
		return append(opts, gomail.WithSMTPAuth(plain))
	case AuthLogin:
		return append(opts, gomail.WithSMTPAuth(login))
	case AuthCRAMMD5:
		return append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthCramMD5))
	case AuthXOAUTH2:
		return append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthXOAUTH2))
	case AuthAuto:
	}
	return append(opts, gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthCramMD5, plain, login))
}

// dial connects, within dialCtx. The connection is closed when ctx, that of
// the whole delivery, is done.
func (s *SMTP) dial(ctx, dialCtx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	raw, err := dialer.DialContext(dialCtx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = raw.Close() })
	s.o.Trace.printf("-- connected to %s", raw.RemoteAddr())
	if s.o.TLS != TLSImplicit {
		return &banner{Conn: raw, t: s.o.Trace, mask: s.mask}, nil
	}
	conn := tls.Client(raw, s.tls)
	if err := conn.HandshakeContext(dialCtx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("begin TLS: %w", err)
	}
	s.o.Trace.printf("-- %s", tls.VersionName(conn.ConnectionState().Version))
	return conn, nil
}

// explain gives an error of go-mail the type that tells what to do, and a
// text without secrets.
func (s *SMTP) explain(ctx context.Context, m notify.Message, err error) error {
	code, recipient := 0, false
	var send *gomail.SendError
	var reply *textproto.Error
	switch {
	case errors.As(err, &send):
		code = send.ErrorCode()
		recipient = send.Reason == gomail.ErrSMTPRcptTo
	case errors.As(err, &reply):
		code = reply.Code
	}
	// go-mail adds the recipient and the Message-ID, which are known here.
	text, _, _ := strings.Cut(s.mask.Replace(err.Error()), ", affected ")
	if cause := context.Cause(ctx); cause != nil && code == 0 {
		text = fmt.Sprintf("no end in time: %v (%s)", cause, text)
	}
	if s.o.Password != "" && s.o.TLS != TLSNone && strings.Contains(text, "unencrypted connection") {
		text += fmt.Sprintf("; only TLS mode %q sends a password in clear", TLSNone)
	}
	err = fmt.Errorf("send mail to %q by %s: %s", m.To, s.address(), text)
	s.o.Trace.printf("-- failed: %s", text)
	switch {
	case code >= 500:
		return &notify.PermanentError{Err: err}
	case recipient && code >= 400 && code != 421: // 421 is the server's leave
		return &notify.TemporaryError{Err: err, MessageOnly: true}
	default:
		return &notify.TemporaryError{Err: err}
	}
}
