package stubtail

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	attemptsMax = 3
	// The second wait outlasts a server that shuts down: it refuses calls until it closes its connections.
	backoffFirst  = 20 * time.Millisecond
	backoffFactor = 8
	backoffMax    = 200 * time.Millisecond
	backoffJitter = 0.2
	// Retries stop while more than a few per cent of the calls fail, so that they cannot feed a fire.
	retryTokens = 50
	tokenRatio  = 0.1
	// Hedges are at most a tenth of the calls, and ten at once after a quiet time.
	hedgeTokens = 10
	llmPrefix   = "/stubtail.v1.LlmService/"
)

// askedUpstream are the reasons of calls whose provider of language models has failed: the server has tried
// again itself, and another try is paid for.
var askedUpstream = map[string]bool{"UPSTREAM_FAILED": true, "ANSWER_INTERRUPTED": true, "ANSWER_STALLED": true}

// retryable says whether an attempt may have an effect when it is made again: the server refused it, or
// its connection was lost. A call that the server ends as CANCELLED met the end of that server.
func retryable(ctx context.Context, failure *Error) bool {
	if ctx.Err() != nil || failure.late || failure.closed {
		return false
	}
	switch failure.Code {
	case codes.Unavailable, codes.Canceled:
		return !askedUpstream[failure.Reason]
	case codes.ResourceExhausted:
		return failure.RetryAfter > 0 // only where the server says when
	default:
		return false
	}
}

// definite says whether another copy of a call would be refused too, because of the request or of who calls,
// so that nobody waits for it. The failure of one server is none, and neither is a refusal for want of
// time, which a copy that came earlier may have.
func definite(failure *Error) bool {
	switch failure.Code {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated:
		return true
	case codes.ResourceExhausted:
		return failure.RetryAfter == 0 // the message is too large, say
	default:
		return false
	}
}

// delay is the wait before attempt number `attempt`+1, and whether there is one.
func delay(failure *Error, attempt int) (time.Duration, bool) {
	if attempt >= attemptsMax || failure.never {
		return 0, false
	}
	if failure.RetryAfter > 0 {
		return failure.RetryAfter, true
	}
	wait := backoffFirst
	for range attempt - 1 {
		wait = min(wait*backoffFactor, backoffMax)
	}
	jitter := 1 + backoffJitter*(2*rand.Float64()-1)
	return time.Duration(float64(wait) * jitter), true
}

// idempotent says whether a second copy of a call costs nothing but the work of the server: those of
// language models are paid for.
func idempotent(method string) bool {
	return !strings.HasPrefix(method, llmPrefix)
}

// budget bounds extra attempts by a share of the calls: a bucket of tokens as gRPC's retryThrottling has.
type budget struct {
	thousandths atomic.Int64
	most        int64
	least       int64
	gain        int64
}

func newBudget(most, least, ratio float64) *budget {
	b := &budget{most: int64(most * 1000), least: int64(least * 1000), gain: int64(ratio * 1000)}
	b.thousandths.Store(b.most)
	return b
}

// succeeded puts a share of a token back.
func (b *budget) succeeded() {
	for {
		now := b.thousandths.Load()
		if now >= b.most || b.thousandths.CompareAndSwap(now, min(now+b.gain, b.most)) {
			return
		}
	}
}

// failed takes a token and tells whether enough are left for another attempt.
func (b *budget) failed() bool {
	for {
		now := b.thousandths.Load()
		left := max(now-1000, 0)
		if b.thousandths.CompareAndSwap(now, left) {
			return left > b.least
		}
	}
}

// take takes a token where there is one.
func (b *budget) take() bool {
	for {
		now := b.thousandths.Load()
		if now < 1000 {
			return false
		}
		if b.thousandths.CompareAndSwap(now, now-1000) {
			return true
		}
	}
}
