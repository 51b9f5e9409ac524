// The W3C trace context of the caller, which goes with its calls.
package io.github.stubtail;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

/**
 * A W3C trace context. {@link StubtailClient#withTrace} sends one; a gRPC server that calls
 * stubtail installs {@link #passOn}, and what came in with a call goes out with the calls that
 * serve it. Code under OpenTelemetry needs neither: give the client its interceptor.
 *
 * @param parent the header {@code traceparent}
 * @param state the header {@code tracestate}; empty for none
 */
public record Trace(String parent, String state) {
  /** Where the trace of the call that is being served is kept. */
  public static final Context.Key<Trace> KEY = Context.key("stubtail-trace");

  private static final Metadata.Key<String> PARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> STATE =
      Metadata.Key.of("tracestate", Metadata.ASCII_STRING_MARSHALLER);

  /** An interceptor for servers: the trace of each call goes on with the calls that it makes. */
  public static ServerInterceptor passOn() {
    return new ServerInterceptor() {
      @Override
      public <Q, R> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        String parent = headers.get(PARENT);
        if (parent == null) {
          return next.startCall(call, headers);
        }
        String state = headers.get(STATE);
        Trace trace = new Trace(parent, state == null ? "" : state);
        Context context = Context.current().withValue(KEY, trace);
        return Contexts.interceptCall(context, call, headers, next);
      }
    };
  }

  /** Puts the trace of a context into the headers of a call, unless they have one. */
  static void pass(Context context, Metadata headers) {
    Trace trace = KEY.get(context);
    if (trace == null || headers.containsKey(PARENT)) {
      return;
    }
    headers.put(PARENT, trace.parent());
    if (!trace.state().isEmpty()) {
      headers.put(STATE, trace.state());
    }
  }
}
