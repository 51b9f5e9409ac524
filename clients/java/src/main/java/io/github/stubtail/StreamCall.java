// A call with a stream of requests: made once, with the client's headers and errors.
package io.github.stubtail;

import io.grpc.CallOptions;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/** A call with a stream of requests. What was sent is not kept, so that it cannot be sent again. */
final class StreamCall<Q, R> extends SimpleForwardingClientCall<Q, R> {
  private final Connections connections;
  private final Connections.One connection;
  private final Context context = Context.current();

  StreamCall(Connections connections, MethodDescriptor<Q, R> method, CallOptions options) {
    this(connections, connections.next(), method, options);
  }

  private StreamCall(
      Connections connections,
      Connections.One connection,
      MethodDescriptor<Q, R> method,
      CallOptions options) {
    super(connection.channel().newCall(method, options));
    this.connections = connections;
    this.connection = connection;
  }

  @Override
  public void start(Listener<R> listener, Metadata headers) {
    headers.merge(connections.settings.metadata());
    Trace.pass(context, headers);
    connections.settings.token().ifPresent(token -> token.put(headers));
    super.start(
        new SimpleForwardingClientCallListener<R>(listener) {
          @Override
          public void onClose(Status status, Metadata trailers) {
            if (status.isOk()) {
              super.onClose(status, trailers);
              return;
            }
            Failure failure =
                connections.told(Failure.of(status, trailers), connection, context.isCancelled());
            StubtailException typed = new StubtailException(failure);
            super.onClose(failure.status().withCause(typed), failure.trailers());
          }
        },
        headers);
  }
}
