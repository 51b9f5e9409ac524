// Calls of any method of the API with the behaviour of the client; what all its methods go through.
package io.github.stubtail;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Calls of any method, by the descriptors of {@code io.github.stubtail.v1}. */
abstract sealed class Calls permits StubtailClient {
  final Connections connections;
  final Options options;

  Calls(Connections connections, Options options) {
    this.connections = connections;
    this.options = options;
  }

  /**
   * The client as a channel: any generated stub over it has the same deadlines, retries and
   * credentials, and {@link StubtailException#of} has the typed error of what it throws.
   */
  public final Channel channel() {
    return connections;
  }

  /** Makes a unary call and waits for its answer. */
  public final <Q, R> R call(MethodDescriptor<Q, R> method, Q request) {
    Context before = attach();
    try {
      return ClientCalls.blockingUnaryCall(connections, method, callOptions(), request);
    } catch (StatusRuntimeException error) {
      throw StubtailException.of(error);
    } finally {
      detach(before);
    }
  }

  /** Makes a unary call. To cancel the future cancels the call. */
  public final <Q, R> CompletableFuture<R> callAsync(MethodDescriptor<Q, R> method, Q request) {
    return ask(method, request, Function.identity());
  }

  /** Makes a call with a stream of replies, for a loop in try-with-resources. */
  public final <Q, R> Replies<R> stream(MethodDescriptor<Q, R> method, Q request) {
    Exchange<Q, R> exchange = exchange(method);
    exchange.sendOnly(request);
    return new Replies<>(exchange);
  }

  /** A call with a stream of replies as a publisher; each subscriber makes a call of its own. */
  public final <Q, R> Flow.Publisher<R> publish(MethodDescriptor<Q, R> method, Q request) {
    return new Publication<>(() -> begun(method), request);
  }

  final <Q, R, T> CompletableFuture<T> ask(
      MethodDescriptor<Q, R> method, Q request, Function<? super R, ? extends T> read) {
    Context before = attach();
    try {
      return CallFuture.of(connections, method, callOptions(), request, read);
    } finally {
      detach(before);
    }
  }

  final <Q, R> Exchange<Q, R> exchange(MethodDescriptor<Q, R> method) {
    return Exchange.open(begun(method));
  }

  private <Q, R> ClientCall<Q, R> begun(MethodDescriptor<Q, R> method) {
    Context before = attach();
    try {
      return connections.newCall(method, callOptions());
    } finally {
      detach(before);
    }
  }

  private CallOptions callOptions() {
    if (options.timeout().isEmpty()) {
      return CallOptions.DEFAULT;
    }
    return CallOptions.DEFAULT.withDeadlineAfter(
        options.timeout().get().toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Makes the trace of this view that of the calls; null where there is none. */
  private Context attach() {
    if (options.trace().isEmpty()) {
      return null;
    }
    return Context.current().withValue(Trace.KEY, options.trace().get()).attach();
  }

  private void detach(Context before) {
    if (before != null) {
      Context.current().detach(before);
    }
  }
}
