package stubtail

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

const (
	defaultTimeout     = time.Second
	defaultChatTimeout = time.Minute
	timeoutMax         = 24 * time.Hour // a call that nobody will wait for is a leak
	connectionsMax     = 256
	messageBytesMax    = 64 << 20
	// Above the 10 s that the server demands between pings, and none without a call.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	// The addresses of a name take turns; one address alone makes no difference.
	serviceConfig = `{"loadBalancingConfig": [{"round_robin": {}}]}`
)

// gRPC would wait for 1 s before it connects again, as long as a whole call may take here.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// Option changes a client; see the functions With...
type Option func(*settings) error

type settings struct {
	timeout     time.Duration
	chatTimeout time.Duration
	connections int
	hedgeAfter  time.Duration
	bytesMax    int
	failFast    bool
	transport   credentials.TransportCredentials
	token       credentials.PerRPCCredentials
	metadata    []string
	dial        []grpc.DialOption
}

func defaults() settings {
	return settings{
		timeout:     defaultTimeout,
		chatTimeout: defaultChatTimeout,
		connections: 1,
		bytesMax:    messageBytesMax,
	}
}

// WithTimeout is for calls whose context has no deadline: 1 s where it is not given, 1 min for calls of
// language models, which it bounds too. There is no way to wait for ever.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 || timeout > timeoutMax {
			return fmt.Errorf("stubtail: the timeout is above 0 and at most %v, not %v", timeoutMax, timeout)
		}
		s.timeout, s.chatTimeout = timeout, timeout
		return nil
	}
}

// WithConnections opens so many connections to each address, which take turns. The kernel gives each
// connection to one worker of the server: use at least as many as it has workers.
func WithConnections(count int) Option {
	return func(s *settings) error {
		if count < 1 || count > connectionsMax {
			return fmt.Errorf("stubtail: connections are 1 to %d, not %d", connectionsMax, count)
		}
		s.connections = count
		return nil
	}
}

// WithHedging makes an unary call a second time when it has not been answered for so long, on the next
// connection, and takes the first answer. At most a tenth of the calls are made twice. Calls of language
// models never are. A good time is the p95 of the calls.
func WithHedging(after time.Duration) Option {
	return func(s *settings) error {
		if after <= 0 {
			return fmt.Errorf("stubtail: hedging after %v makes every call twice", after)
		}
		s.hedgeAfter = after
		return nil
	}
}

// WithMessageBytesMax bounds a request and a reply, 64 MiB where it is not given. The server has a bound
// of its own for requests, 16 MiB by default.
func WithMessageBytesMax(bytes int) Option {
	return func(s *settings) error {
		if bytes < 1024 {
			return fmt.Errorf("stubtail: a message of %d bytes holds nothing", bytes)
		}
		s.bytesMax = bytes
		return nil
	}
}

// WithFailFast fails calls at once while the server cannot be reached. Without it they wait for a
// connection until their deadline, which rides over a restart of the server.
func WithFailFast() Option {
	return func(s *settings) error {
		s.failFast = true
		return nil
	}
}

// WithMetadata sends pairs of keys and values with every call.
func WithMetadata(pairs ...string) Option {
	return func(s *settings) error {
		if len(pairs)%2 != 0 {
			return fmt.Errorf("stubtail: metadata are pairs of keys and values, not %d strings", len(pairs))
		}
		s.metadata = append(s.metadata, pairs...)
		return nil
	}
}

// WithDialOptions gives options to grpc, such as the stats handler of OpenTelemetry. They come last and
// win.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

// dialOptions are the settings as grpc takes them.
func (s *settings) dialOptions(target string) ([]grpc.DialOption, error) {
	transport := s.transport
	if transport == nil {
		if s.token != nil && !isLoopback(target) {
			return nil, fmt.Errorf("stubtail: a token is not sent to %q in the clear; give WithTLS", target)
		}
		transport = insecure.NewCredentials()
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(), // of gRPC's own policy; what never left this process still is sent again
		grpc.WithUserAgent("stubtail-go/" + Version),
		grpc.WithConnectParams(reconnect),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(!s.failFast),
			grpc.MaxCallRecvMsgSize(s.bytesMax),
			grpc.MaxCallSendMsgSize(s.bytesMax),
		),
	}
	if isLoopback(target) {
		options = append(options, grpc.WithNoProxy())
	}
	if s.token != nil {
		options = append(options, grpc.WithPerRPCCredentials(s.token))
	}
	if len(s.metadata) > 0 {
		options = append(options, grpc.WithPerRPCCredentials(fixed(metadata.Pairs(s.metadata...))))
	}
	return append(options, s.dial...), nil
}
