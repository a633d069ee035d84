package rpc

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// answerMemory bounds, in bytes, the answers that are made or sent at one
	// time. A larger one is alone. It is an eighth of what clients may cost the
	// daemon, since an answer is in memory more than once while it is made.
	answerMemory = 8 << 20
	// smallAnswer is the size, in bytes, up to which an answer counts for
	// nothing: a socket takes it at once.
	smallAnswer = 64 << 10
	// answerPatience is how long a request waits for clients that take their
	// answers slowly.
	answerPatience = 10 * time.Second
)

// answerBudget bounds the memory that answers take. How large one will be is
// known before only for parts of logs; for all others it is taken to be as
// large as the largest one to that method.
type answerBudget struct {
	room *semaphore.Weighted

	mu      sync.Mutex
	largest map[string]int64 // by method, small ones left out
}

func newAnswerBudget() *answerBudget {
	return &answerBudget{room: semaphore.NewWeighted(answerMemory), largest: make(map[string]int64)}
}

// share is the part of the budget that one answer has. A nil share has none.
type share struct {
	budget *answerBudget
	method string
	taken  int64
}

// begin waits until there is room for the answer to a call. Give it back with
// end. The error is that the client has gone, or that there is no room.
func (b *answerBudget) begin(ctx context.Context, method string, args []any) (*share, error) {
	size := logSize(method, args)
	b.mu.Lock()
	size = max(size, b.largest[method])
	b.mu.Unlock()
	s := &share{budget: b, method: method}
	if size <= smallAnswer {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	size = min(size, answerMemory)
	if err := b.room.Acquire(ctx, size); err != nil {
		return nil, err
	}
	s.taken = size
	return s, nil
}

// made tells the size of the answer, which nobody knew exactly before.
func (s *share) made(size int) {
	n := min(int64(size), answerMemory)
	if s.taken > n {
		s.budget.room.Release(s.taken - n)
		s.taken = n
	}
	if n <= smallAnswer || isLogRead(s.method) {
		return
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.budget.largest[s.method] = max(n, s.budget.largest[s.method])
}

// end gives the share back, once the client has taken the answer.
func (s *share) end() { s.budget.room.Release(s.taken) }

// isLogRead tells whether a method answers with as much of a log as it is
// asked for. Its name may be one that does not exist.
func isLogRead(method string) bool {
	_, name, _ := strings.Cut(method, ".")
	return strings.HasSuffix(name, "Log") && (strings.HasPrefix(name, "read") || strings.HasPrefix(name, "tail"))
}

// logSize returns how much of logs a call asks for: all that there may be
// where it does not say.
func logSize(method string, args []any) int64 {
	if method == "system.multicall" && len(args) == 1 {
		calls, _ := args[0].([]any)
		sum := int64(0)
		for _, c := range calls {
			call, _ := c.(map[string]any)
			name, _ := call["methodName"].(string)
			params, _ := call["params"].([]any)
			if name != method { // which would be refused
				sum += logSize(name, params)
			}
		}
		return sum
	}
	if !isLogRead(method) {
		return 0
	}
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
