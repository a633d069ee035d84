// Package rpc serves the daemon's clients: its HTTP servers and the XML-RPC
// methods behind them.
//
// It decides who may ask, what a request means and how an answer looks. What
// is done it leaves to the core: no state of a process or of the daemon lives
// here, and nothing waits for one by asking again and again.
package rpc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
	"github.com/vigilance-go/vigilance/supervisor"
	"github.com/vigilance-go/vigilance/supervisor/access"
	"github.com/vigilance-go/vigilance/supervisor/config"
	"github.com/vigilance-go/vigilance/supervisor/mainlog"
)

// maxQuoted is how many bytes of a refused request the log shows.
const maxQuoted = 2048

// NewHandler serves XML-RPC calls to d. It is meant for every path that begins
// with /RPC2, as there is no other that Python's supervisord tells apart. Who
// may call, and how large a request may be, was decided before: the body is
// read as far as it goes, and http.MaxBytesReader's error is answered with
// 413. Changes that are asked for are noted in audit, which may be nil.
func NewHandler(d *supervisor.Daemon, audit *access.Audit) http.Handler {
	methods := methodTable(d.RPCNamespaces())
	return &handler{daemon: d, log: d.Log(), audit: audit, methods: methods, answers: newAnswerBudget(methods)}
}

// handler turns HTTP requests into calls of methods.
type handler struct {
	daemon  *supervisor.Daemon
	log     *mainlog.Logger
	audit   *access.Audit
	methods map[string]*method // by full name; only read
	answers *answerBudget
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		refuse(w, http.StatusBadRequest)
		return
	case r.ContentLength == 0 && r.Header.Get("Content-Length") == "":
		refuse(w, http.StatusLengthRequired)
		return
	}
	body := &body{Reader: r.Body}
	call, err := xmlrpc.ParseCall(body)
	switch {
	case body.failed != nil:
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](body.failed); ok {
			status = http.StatusRequestEntityTooLarge
		}
		refuse(w, status)
		return
	case err != nil:
		h.log.Logf(mainlog.Error, "XML-RPC request data %s is invalid: unmarshallable", body.quote())
		h.log.Log(mainlog.Debug, err.Error())
		refuse(w, http.StatusBadRequest)
		return
	case call.Method == "":
		h.log.Logf(mainlog.Error, "XML-RPC request data %s is invalid: no method name", body.quote())
		refuse(w, http.StatusBadRequest)
		return
	}
	h.answer(w, r, call)
}

// body is a request's body while it is parsed. It is not kept: what is refused
// is refused after the bytes that show why.
type body struct {
	io.Reader
	begin  []byte // as much as the log would show, and one byte more
	failed error  // of reading, if it did
}

// Read is part of io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.begin = append(b.begin, p[:min(n, maxQuoted+1-len(b.begin))]...)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = err
	}
	return n, err
}

// quote returns the body as the log shows it.
func (b *body) quote() string {
	if len(b.begin) > maxQuoted {
		return config.PyRepr(string(b.begin[:maxQuoted])) + "..."
	}
	return config.PyRepr(string(b.begin))
}

// answer carries a call out and sends its result or fault.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, call xmlrpc.Call) {
	name := oneLine(call.Method)
	h.log.Logf(mainlog.Trace, "XML-RPC method called: %s()", name)
	share, err := h.answers.begin(r.Context(), call.Method, call.Params)
	switch {
	case err == nil:
	case r.Context().Err() != nil:
		return // nobody reads the answer
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	defer share.end()
	out := xmlrpc.NewAnswer(share.taken.bytes)
	defer out.Release()
	q := &request{ctx: r.Context(), daemon: h.daemon, audit: h.audit, methods: h.methods, args: call.Params, out: out, share: share}
	err = q.invoke(call.Method)
	switch {
	case err == nil:
		h.log.Logf(mainlog.Trace, "XML-RPC method %s() returned successfully", name)
		out.End()
	case r.Context().Err() != nil:
		return // nobody reads the answer
	default:
		f := fault(err)
		h.log.Logf(mainlog.Trace, "XML-RPC method %s() returned fault: [%d] %s", name, f.Code, oneLine(f.Text))
		out.EndFault(int(f.Code), f.Text)
	}
	share.made(out.InMemory())
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Content-Length", strconv.FormatInt(out.Size(), 10))
	if _, err := out.WriteTo(w); err != nil {
		panic(http.ErrAbortHandler) // the client has gone, or must see that the answer is not whole
	}
}

// fault returns the fault by which a client learns of err.
func fault(err error) *supervisor.Fault {
	if f, ok := errors.AsType[*supervisor.Fault](err); ok {
		return f
	}
	if errors.Is(err, supervisor.ErrStopped) {
		return supervisor.NewFault(supervisor.FaultShutdownState, "")
	}
	return supervisor.NewFault(supervisor.FaultFailed, err.Error())
}

// refuse answers with an HTTP error and the page that Python's supervisord has
// for all of them.
func refuse(w http.ResponseWriter, status int) {
	page := fmt.Sprintf("<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n"+
		"<h1>Error response</h1>\r\n<p>Error code %d.\r\n<p>Message: %s.\r\n</body>\r\n",
		status, http.StatusText(status))
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page) // a client that has gone does not miss it
}

// oneLine returns what a client sent as it may stand in a line of the log:
// nothing in it begins another line.
func oneLine(text string) string {
	shown := text[:min(len(text), maxQuoted)]
	if strings.ContainsFunc(shown, unicode.IsControl) {
		quoted := config.PyRepr(shown)
		return quoted[1 : len(quoted)-1]
	}
	return shown
}
