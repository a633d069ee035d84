package rpc

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/vigilance-go/vigilance/internal/xmlrpc"
)

const (
	// answerMemory bounds, in bytes, what answers take that are made or sent at
	// one time. A larger one is alone. It is an eighth of what clients may cost
	// the daemon, since an answer is in memory more than once while it is made.
	answerMemory = 8 << 20
	// smallAnswer is the size, in bytes, up to which an answer counts for
	// nothing: a socket takes it at once.
	smallAnswer = xmlrpc.ShortText
	// answerFiles bounds the logs that are sent at one time, in pieces, from
	// files that are open for that long.
	answerFiles = 64
	// answerPatience is how long a request waits for clients that take their
	// answers slowly.
	answerPatience = 10 * time.Second
)

// answerBudget bounds what answers take.
type answerBudget struct {
	room  *semaphore.Weighted // bytes
	files *semaphore.Weighted
	// turns bounds the answers that are made at one time to those that
	// processors can work on. Of a thousand that are ready to be made, each
	// would have its time before the loop, which has a program to restart.
	turns *semaphore.Weighted

	mu      sync.Mutex
	largest map[string]int64 // the largest answer to each method that there is, in bytes
	guessed map[string]bool  // those that were not called yet
}

// newAnswerBudget returns the budget of the answers to the given methods. Of
// those that answer with as much as there are processes, the first answer to
// each is taken for as large as can be.
func newAnswerBudget(methods map[string]*method) *answerBudget {
	b := &answerBudget{
		room:    semaphore.NewWeighted(answerMemory),
		files:   semaphore.NewWeighted(answerFiles),
		turns:   semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		largest: make(map[string]int64),
		guessed: make(map[string]bool),
	}
	for name := range methods {
		b.largest[name] = 0
		if _, last, _ := strings.Cut(name, "."); strings.HasPrefix(last, "getAll") {
			b.largest[name], b.guessed[name] = answerMemory, true
		}
	}
	return b
}

// demand is what an answer will take.
type demand struct{ bytes, files int64 }

// share is the part of the budget that one answer has.
type share struct {
	budget *answerBudget
	method string
	taken  demand
	opened int64 // files, so far
}

// begin waits until there is room for the answer to a call. Give it back with
// end. The error is that the client has gone, or that there is no room.
func (b *answerBudget) begin(ctx context.Context, method string, args []any) (*share, error) {
	d := b.expect(method, args)
	d.files = min(d.files, answerFiles)
	if d.bytes = min(d.bytes, answerMemory); d.bytes <= smallAnswer {
		d.bytes = 0
	}
	s := &share{budget: b, method: method, taken: d}
	if d == (demand{}) {
		return s, nil // as most
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	if err := b.room.Acquire(ctx, d.bytes); err != nil {
		return nil, err
	}
	if err := b.files.Acquire(ctx, d.files); err != nil {
		b.room.Release(d.bytes)
		return nil, err
	}
	return s, nil
}

// turn waits until the answer can be worked on, for as long as there is nothing
// to wait for, and until end is called. The error is that the client has gone.
func (s *share) turn(ctx context.Context) (end func(), err error) {
	if err := s.budget.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { s.budget.turns.Release(1) }, nil
}

// mayOpen tells whether the answer may keep one more file open. It may not if
// its call asks for more than all answers together may have.
func (s *share) mayOpen() bool {
	s.opened++
	return s.opened <= s.taken.files
}

// made tells what the answer takes of memory, which nobody knew exactly before.
func (s *share) made(size int) {
	n := min(int64(size), answerMemory)
	if s.taken.bytes > n {
		s.budget.room.Release(s.taken.bytes - n)
		s.taken.bytes = n
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	// What clients call and does not exist leaves no trace.
	if last, exists := s.budget.largest[s.method]; exists && (n > last || s.budget.guessed[s.method]) {
		s.budget.largest[s.method] = n
		delete(s.budget.guessed, s.method)
	}
}

// end gives the share back, once the client has taken the answer.
func (s *share) end() {
	s.budget.room.Release(s.taken.bytes)
	s.budget.files.Release(s.taken.files)
}

// expect returns what the answer to a call will take: what is asked for where
// that is part of a log, else as much as the largest answer to that method took.
func (b *answerBudget) expect(method string, args []any) demand {
	switch {
	case method == multicallName && len(args) == 1:
		return b.expectAll(args[0])
	case isLogRead(method):
		if n := logSize(args); n <= smallAnswer {
			return demand{bytes: n}
		}
		return demand{files: 1}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return demand{bytes: b.largest[method]}
}

// expectAll returns what the answer to a multicall will take.
func (b *answerBudget) expectAll(calls any) (sum demand) {
	list, _ := calls.([]any)
	for _, c := range list {
		call, _ := c.(map[string]any)
		name, _ := call["methodName"].(string)
		params, _ := call["params"].([]any)
		if name == multicallName {
			continue // it will be refused
		}
		d := b.expect(name, params)
		sum.bytes += d.bytes
		sum.files += d.files
	}
	return sum
}

// isLogRead tells whether a method answers with as much of a log as it is
// asked for. Its name may be one that does not exist.
func isLogRead(method string) bool {
	_, name, _ := strings.Cut(method, ".")
	return strings.HasSuffix(name, "Log") && (strings.HasPrefix(name, "read") || strings.HasPrefix(name, "tail"))
}

// logSize returns how much of a log is asked for, in bytes: all that there may
// be where the arguments do not say.
func logSize(args []any) int64 {
	number := func(fromEnd int) int64 {
		if len(args) < fromEnd {
			return 0
		}
		switch n := args[len(args)-fromEnd].(type) {
		case int:
			return int64(n)
		case int64:
			return n
		}
		return 0
	}
	offset, length := max(number(2), -maxInteger), number(1)
	switch {
	case length > 0:
		return min(length, maxLogRead)
	case offset < 0:
		return min(-offset, maxLogRead)
	}
	return maxLogRead
}
