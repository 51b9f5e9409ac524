package stubtail

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

func TestWhatIsRetried(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for name, one := range map[string]struct {
		ctx     context.Context
		failure Error
		want    bool
	}{
		"unavailable":                {failure: Error{Code: codes.Unavailable}, want: true},
		"cancelled by the server":    {failure: Error{Code: codes.Canceled}, want: true},
		"cancelled by the caller":    {ctx: over, failure: Error{Code: codes.Canceled}},
		"a provider has failed":      {failure: Error{Code: codes.Unavailable, Reason: "UPSTREAM_FAILED"}},
		"no connection in time":      {failure: Error{Code: codes.Unavailable, late: true}},
		"exhausted with a time":      {failure: Error{Code: codes.ResourceExhausted, RetryAfter: 1}, want: true},
		"exhausted without":          {failure: Error{Code: codes.ResourceExhausted}},
		"a failure of the model":     {failure: Error{Code: codes.Internal}},
		"too late already":           {failure: Error{Code: codes.DeadlineExceeded}},
		"a request that is not good": {failure: Error{Code: codes.InvalidArgument}},
	} {
		ctx := one.ctx
		if ctx == nil {
			ctx = context.Background()
		}
		if got := retryable(ctx, &one.failure); got != one.want {
			t.Errorf("%s: retried %v, want %v", name, got, one.want)
		}
	}
}

func TestWhatBothCopiesOfACallWouldMeet(t *testing.T) {
	for name, one := range map[string]struct {
		failure Error
		want    bool
	}{
		"a request that is not good": {Error{Code: codes.InvalidArgument}, true},
		"no such model":              {Error{Code: codes.NotFound}, true},
		"not allowed":                {Error{Code: codes.PermissionDenied}, true},
		"exhausted without a time":   {Error{Code: codes.ResourceExhausted}, true},
		"exhausted with a time":      {Error{Code: codes.ResourceExhausted, RetryAfter: 1}, false},
		"unavailable":                {Error{Code: codes.Unavailable}, false},
		"a failure of the model":     {Error{Code: codes.Internal}, false},
		"too late for this copy":     {Error{Code: codes.DeadlineExceeded}, false},
	} {
		if got := definite(&one.failure); got != one.want {
			t.Errorf("%s: definite %v, want %v", name, got, one.want)
		}
	}
}

func TestDelays(t *testing.T) {
	for attempt, middle := range map[int]time.Duration{1: 20 * time.Millisecond, 2: 160 * time.Millisecond} {
		for range 100 {
			wait, ok := delay(&Error{Code: codes.Unavailable}, attempt)
			if !ok || wait < middle*8/10 || wait > middle*12/10 {
				t.Fatalf("attempt %d waits for %v", attempt, wait)
			}
		}
	}
	if wait, ok := delay(&Error{RetryAfter: time.Minute}, 1); !ok || wait != time.Minute {
		t.Errorf("the server's time is not kept: %v %v", wait, ok)
	}
	if _, ok := delay(&Error{RetryAfter: time.Minute}, attemptsMax); ok {
		t.Error("more attempts than there may be")
	}
	if _, ok := delay(&Error{never: true}, 1); ok {
		t.Error("retried though the server says never")
	}
}

func TestBudgetStopsRetriesWhileMoreThanAFewPerCentFail(t *testing.T) {
	b := newBudget(50, 25, 0.1)
	allowed := 0
	for range 100 {
		if b.failed() {
			allowed++
		}
	}
	if allowed != 24 {
		t.Errorf("%d retries from a full bucket, want 24", allowed)
	}
	for range 249 {
		b.succeeded()
	}
	if b.failed() {
		t.Error("a retry below half of the tokens")
	}
	for range 1000 {
		b.succeeded()
	}
	if got := b.thousandths.Load(); got != b.most {
		t.Errorf("%d thousandths in a full bucket of %d", got, b.most)
	}
}

func TestHedgesAreATenthOfTheCalls(t *testing.T) {
	b := newBudget(10, 1, 0.1)
	hedges := 0
	for range 1000 {
		if b.take() {
			hedges++
		}
		b.succeeded()
	}
	if hedges < 100 || hedges > 111 {
		t.Errorf("%d hedges for 1,000 calls", hedges)
	}
}
