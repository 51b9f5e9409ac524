// Package stubtail calls a stubtail inference server: scores, forecasts, decisions, anomalies and
// language models over gRPC, with a deadline on every call.
//
// A [Client] is safe for many goroutines; make one and keep it. It also is a
// [grpc.ClientConnInterface], so that every generated stub over it has the same deadlines, retries
// and errors:
//
//	raw := stubtailpb.NewScoringServiceClient(client)
//
// What every client of every language does alike is in clients/README.md.
package stubtail

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"

	pb "github.com/stubtail/stubtail/clients/go/stubtailpb"
)

// Version is that of the stubtail release which this client belongs to.
const Version = "0.1.0"

// Client calls one server, or several behind one name.
type Client struct {
	target      string
	settings    settings
	connections []*grpc.ClientConn
	turn        atomic.Uint64
	retries     *budget
	hedges      *budget

	scoring     pb.ScoringServiceClient
	decision    pb.DecisionServiceClient
	forecasting pb.ForecastingServiceClient
	anomaly     pb.AnomalyServiceClient
	llm         pb.LlmServiceClient
	models      pb.ModelServiceClient
}

var _ grpc.ClientConnInterface = (*Client)(nil)

// New makes a client for "host:port", or for "dns:///name:port", whose addresses then take turns.
// Nothing is sent before the first call.
func New(target string, options ...Option) (*Client, error) {
	s := defaults()
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	dial, err := s.dialOptions(target)
	if err != nil {
		return nil, err
	}
	c := &Client{
		target:   target,
		settings: s,
		retries:  newBudget(retryTokens, retryTokens/2, tokenRatio),
		hedges:   newBudget(hedgeTokens, 1, tokenRatio),
	}
	for range s.connections {
		connection, err := grpc.NewClient(target, dial...)
		if err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("stubtail: cannot use %q: %w", target, err)
		}
		c.connections = append(c.connections, connection)
	}
	c.scoring = pb.NewScoringServiceClient(c)
	c.decision = pb.NewDecisionServiceClient(c)
	c.forecasting = pb.NewForecastingServiceClient(c)
	c.anomaly = pb.NewAnomalyServiceClient(c)
	c.llm = pb.NewLlmServiceClient(c)
	c.models = pb.NewModelServiceClient(c)
	return c, nil
}

// Close closes the connections. Calls under way end with [codes.Canceled].
func (c *Client) Close() error {
	var first error
	for _, connection := range c.connections {
		if err := connection.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Invoke makes one unary call with the client's deadline, retries and errors. Generated stubs call it.
func (c *Client) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	ctx, cancel := c.bounded(ctx, method)
	defer cancel()
	ctx = passTrace(ctx)
	if c.settings.hedgeAfter > 0 && idempotent(method) {
		return c.hedged(ctx, method, args, reply, options)
	}
	return c.attempts(ctx, method, args, reply, options)
}

// NewStream opens a stream with the client's deadline and errors. Generated stubs call it. A stream of
// the server alone is begun anew, as an unary call is, while nothing of it has come. End every stream
// by reading it to its end or by cancelling its context.
func (c *Client) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	cancel := context.CancelFunc(func() {})
	if !desc.ClientStreams {
		ctx, cancel = c.bounded(ctx, method)
	}
	ctx = passTrace(ctx)
	s := &stream{client: c, ctx: ctx, cancel: cancel, desc: desc, method: method, options: options}
	if err := s.open(); err != nil {
		cancel()
		return nil, err
	}
	return s, nil
}

// attempts sends a call until it is answered or a retry makes no sense.
func (c *Client) attempts(ctx context.Context, method string, args, reply any, options []grpc.CallOption) error {
	var trailer metadata.MD
	all := make([]grpc.CallOption, 0, len(options)+1)
	all = append(append(all, options...), grpc.Trailer(&trailer))
	for attempt := 1; ; attempt++ {
		connection := c.next()
		err := connection.Invoke(ctx, method, args, reply, all...)
		if err == nil {
			c.retries.succeeded()
			return nil
		}
		failure := c.failure(ctx, err, trailer, connection)
		if !c.again(ctx, failure, attempt) {
			return failure
		}
		trailer = nil
	}
}

// again waits for the time of a retry and tells whether there is one.
func (c *Client) again(ctx context.Context, failure *Error, attempt int) bool {
	if !retryable(ctx, failure) {
		return false
	}
	allowed := c.retries.failed()
	wait, ok := delay(failure, attempt)
	if !ok || !allowed {
		return false
	}
	if deadline, bounded := ctx.Deadline(); bounded && time.Until(deadline) <= wait {
		return false // it would be too late: the caller hears now what is wrong
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failure is the typed error of a failed attempt.
func (c *Client) failure(ctx context.Context, err error, trailer metadata.MD, connection *grpc.ClientConn) *Error {
	failure := newError(err, trailer)
	if failure.Reason != "" {
		return failure
	}
	if connection.GetState() == connectivity.Shutdown {
		failure.closed = true
		return failure
	}
	late := failure.Code == codes.DeadlineExceeded && connection.GetState() != connectivity.Ready
	if late || failure.Code == codes.Unavailable {
		failure.Code = codes.Unavailable
		failure.Reason = ReasonConnectionFailed
		failure.Message = fmt.Sprintf("no connection to %s: %s", c.target, failure.Message)
		failure.late = late || ctx.Err() != nil
	}
	return failure
}

// bounded gives a call without a deadline the client's.
func (c *Client) bounded(ctx context.Context, method string) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	if strings.HasPrefix(method, llmPrefix) {
		return context.WithTimeout(ctx, c.settings.chatTimeout)
	}
	return context.WithTimeout(ctx, c.settings.timeout)
}

// next takes turns over the connections.
func (c *Client) next() *grpc.ClientConn {
	if len(c.connections) == 1 {
		return c.connections[0]
	}
	return c.connections[c.turn.Add(1)%uint64(len(c.connections))]
}
