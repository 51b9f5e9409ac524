// The answer of one unary call as a future: who gives it up ends the call.
package io.github.stubtail;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** A future of what is read from one reply. Cancelling it, or its timeout, cancels the call. */
final class CallFuture<R, T> extends CompletableFuture<T> {
  private final ClientCall<?, R> call;
  private final Function<? super R, ? extends T> read;
  private volatile boolean answered;

  private CallFuture(ClientCall<?, R> call, Function<? super R, ? extends T> read) {
    this.call = call;
    this.read = read;
  }

  static <Q, R, T> CompletableFuture<T> of(
      Channel channel,
      MethodDescriptor<Q, R> method,
      CallOptions options,
      Q request,
      Function<? super R, ? extends T> read) {
    ClientCall<Q, R> call = channel.newCall(method, options);
    CallFuture<R, T> future = new CallFuture<>(call, read);
    call.start(future.new Answer(), new Metadata());
    call.request(2); // one would do; a second message of a unary call is an error that gRPC finds
    try {
      call.sendMessage(request);
      call.halfClose();
    } catch (RuntimeException error) {
      future.completeExceptionally(StubtailException.of(error));
      call.cancel("the request cannot be sent", error);
      return future;
    }
    future.whenComplete((value, failure) -> future.leave());
    return future;
  }

  /** Futures of further steps are plain ones. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }

  private void leave() {
    if (!answered) {
      call.cancel("the caller gave up", null);
    }
  }

  private final class Answer extends ClientCall.Listener<R> {
    private R message;

    @Override
    public void onMessage(R received) {
      message = received;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      answered = true;
      if (!status.isOk()) {
        completeExceptionally(StubtailException.of(status.asRuntimeException(trailers)));
        return;
      }
      try {
        if (message == null) {
          throw StubtailException.malformed("the call", "there is none");
        }
        complete(read.apply(message));
      } catch (RuntimeException error) {
        completeExceptionally(error);
      }
    }
  }
}
