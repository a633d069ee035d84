// Package xmlrpc is the wire of an XML-RPC server: it reads calls and appends
// answers.
//
// It decides which XML is a call, what its values mean, and how each byte of
// an answer looks (as Python's xmlrpc.client writes it). It knows no methods,
// serves no HTTP, and never reads more than it is given: who calls it bounds
// the size.
package xmlrpc

import (
	"errors"
	"math"
)

// MaxDepth is how deep the elements of a call may be nested. A value inside an
// array inside a struct takes six levels.
const MaxDepth = 100

// The errors by which calls are refused, all before any method is looked up.
var (
	ErrDepth   = errors.New("nested too deep")
	ErrDoctype = errors.New("document type declarations are not accepted")
)

// Call is one method call.
type Call struct {
	// Method is empty when the call names none.
	Method string
	// Params are the arguments. Each is nil, or a bool, int64, float64,
	// string, time.Time without a zone (in UTC), []any or map[string]any.
	// Decoded base64 is a string too, as it is to Python's supervisord.
	Params []any
}

// CapInt returns n as clients can read it: XML-RPC integers have 32 bits, so
// a greater one becomes the greatest, a lesser one the least.
func CapInt(n int64) int64 { return max(math.MinInt32, min(n, math.MaxInt32)) }
