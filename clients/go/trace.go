package stubtail

import (
	"context"

	"google.golang.org/grpc/metadata"
)

var traceKeys = [...]string{"traceparent", "tracestate"}

// WithTrace sends a W3C trace context with the calls of a context. Code under OpenTelemetry needs it
// not: give [WithDialOptions] its stats handler. A caller that is a gRPC server itself needs it neither:
// what came in with the context goes out again.
func WithTrace(ctx context.Context, traceparent, tracestate string) context.Context {
	ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", traceparent)
	if tracestate != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "tracestate", tracestate)
	}
	return ctx
}

// passTrace sends the trace context of the call that is being served, unless the caller has set one.
func passTrace(ctx context.Context) context.Context {
	incoming, ok := metadata.FromIncomingContext(ctx)
	if !ok {
		return ctx
	}
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	if len(outgoing.Get("traceparent")) > 0 {
		return ctx
	}
	for _, key := range traceKeys {
		if values := incoming.Get(key); len(values) > 0 {
			ctx = metadata.AppendToOutgoingContext(ctx, key, values[0])
		}
	}
	return ctx
}
