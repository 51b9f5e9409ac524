// One call with one request: made again, or twice, where that makes sense.
package io.github.stubtail;

import com.google.protobuf.MessageLite;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;

/**
 * One call with one request. A unary one is buffered until its end, so that the first good answer
 * counts; a stream goes on as it comes, and is begun anew while nothing of it has come.
 */
final class AttemptsCall<Q, R> extends ClientCall<Q, R> implements Context.CancellationListener {
  private final Connections connections;
  private final MethodDescriptor<Q, R> method;
  private final CallOptions options;
  private final Context context = Context.current();
  private final CallScope scope;
  private final boolean unary;

  // All of what follows is guarded by this object's lock.
  private final List<Attempt> running = new ArrayList<>(2);
  private Listener<R> listener;
  private Metadata headers;
  private Q request;
  private int requested;
  private boolean compressed = true;
  private boolean begun;
  private boolean cancelled;
  private boolean done;
  private int waiting;
  private Future<?> hedge;
  private Future<?> retry;

  AttemptsCall(Connections connections, MethodDescriptor<Q, R> method, CallOptions options) {
    this.connections = connections;
    this.method = method;
    this.options = options;
    this.scope = new CallScope(connections, options, context);
    this.unary = method.getType() == MethodType.UNARY;
  }

  @Override
  public synchronized void start(Listener<R> responseListener, Metadata sent) {
    listener = responseListener;
    headers = sent;
    headers.merge(connections.settings.metadata());
    Trace.pass(context, headers);
  }

  @Override
  public synchronized void request(int count) {
    requested = (int) Math.min((long) requested + count, Integer.MAX_VALUE);
    for (Attempt one : running) {
      one.call.request(count);
    }
  }

  @Override
  public synchronized void sendMessage(Q message) {
    // gRPC finds it too, but while a call waits for its connection it loses the error and the call.
    int most = connections.settings.messageBytesMax();
    if (message instanceof MessageLite sized && sized.getSerializedSize() > most) {
      throw Status.RESOURCE_EXHAUSTED
          .withDescription("message too large: " + sized.getSerializedSize() + " > " + most)
          .asRuntimeException();
    }
    request = message;
  }

  @Override
  public void halfClose() {
    synchronized (this) {
      if (cancelled) {
        return;
      }
      if (unary
          && connections.settings.hedgeAfter().isPresent()
          && !Retries.asksLanguageModels(method.getServiceName())) {
        long afterNs = connections.settings.hedgeAfter().get().toNanos();
        hedge = scope.later(this::hedge, afterNs);
      }
    }
    attempt(1);
  }

  @Override
  public synchronized void setMessageCompression(boolean enabled) {
    compressed = enabled;
  }

  @Override
  public synchronized boolean isReady() {
    return !running.isEmpty() && running.get(0).call.isReady();
  }

  @Override
  public synchronized Attributes getAttributes() {
    return running.isEmpty() ? Attributes.EMPTY : running.get(0).call.getAttributes();
  }

  @Override
  public void cancel(String message, Throwable cause) {
    Status told = Status.CANCELLED.withDescription(message).withCause(cause);
    Listener<R> idle = null;
    List<Attempt> ended;
    synchronized (this) {
      if (cancelled || done) {
        return;
      }
      cancelled = true;
      stopTimers();
      ended = List.copyOf(running);
      if (running.isEmpty() && listener != null) { // it waits for a retry, or has not begun
        done = true;
        idle = listener;
      }
    }
    // Outside the lock, of a copy: where answers are handled in place, they come within this call.
    for (Attempt one : ended) {
      one.call.cancel(message, cause);
    }
    if (idle != null) {
      Listener<R> last = idle;
      scope.run(() -> CallScope.end(last, Failure.of(told, null)));
    }
  }

  /** The caller's own context ended while the call waits for a retry. */
  @Override
  public void cancelled(Context ended) {
    Throwable cause = ended.cancellationCause();
    cancel("the context of the call was cancelled", cause);
  }

  private void attempt(int number) {
    Context before = context.attach();
    try {
      synchronized (this) {
        if (done || cancelled) {
          return;
        }
        Connections.One connection = connections.next();
        Attempt one =
            new Attempt(number, connection, connection.channel().newCall(method, options));
        running.add(one);
        try {
          one.call.start(one, scope.headers(headers));
          if (requested > 0) { // gRPC fails a call that is asked for no messages
            one.call.request(requested);
          }
          one.call.setMessageCompression(compressed);
          one.call.sendMessage(request);
          one.call.halfClose();
        } catch (RuntimeException error) {
          running.remove(one);
          throw error;
        }
      }
    } finally {
      context.detach(before);
    }
  }

  private void hedge() {
    synchronized (this) {
      if (done || cancelled || !connections.hedges.take()) {
        return;
      }
    }
    try {
      attempt(1);
    } catch (RuntimeException error) {
      return; // an interceptor is broken: the first copy of the call may still answer
    }
  }

  private void failed(Attempt attempt, Status status, Metadata trailers) {
    Failure failure;
    synchronized (this) {
      running.remove(attempt);
      if (done) {
        return;
      }
      failure =
          connections.told(
              Failure.of(status, trailers), attempt.connection, cancelled || scope.isOver());
      if (!begun && again(failure, attempt.number)) {
        return;
      }
      if (!running.isEmpty() || waiting > 0) {
        return; // the other copy of the call may still answer
      }
      done = true;
      stopTimers();
    }
    CallScope.end(listener, failure);
  }

  /** Makes the attempt again when its time comes, if it comes; tells whether it does. */
  private boolean again(Failure failure, int number) {
    if (cancelled || scope.isOver() || !Retries.retryable(failure)) {
      return false;
    }
    boolean allowed = connections.retries.failed();
    double chance = ThreadLocalRandom.current().nextDouble();
    Optional<Long> delayNs = Retries.delayNs(failure, number, chance);
    if (delayNs.isEmpty() || !allowed || scope.remainingNs() <= delayNs.get()) {
      return false; // too late: the caller hears now what is wrong
    }
    waiting++;
    connections.waiting.add(this);
    context.addListener(this, Runnable::run);
    retry = scope.later(() -> retried(number + 1), delayNs.get());
    if (retry == null) { // the client was closed
      waiting--;
      connections.waiting.remove(this);
      context.removeListener(this);
    }
    return retry != null;
  }

  private void retried(int number) {
    context.removeListener(this);
    synchronized (this) {
      waiting--;
      if (waiting == 0) {
        connections.waiting.remove(this);
      }
    }
    try {
      attempt(number);
    } catch (
        RuntimeException error) { // an interceptor is broken: nobody else would tell the caller
      end(Status.UNKNOWN.withDescription("the call cannot be made again").withCause(error));
    }
  }

  /** The client was closed while the call waits for a retry, which will not come. */
  void closed() {
    end(Failure.of(Status.UNAVAILABLE, null).ofClosedClient().status());
  }

  /** Ends a call that waits for a retry; nothing where another copy of it is under way. */
  private void end(Status status) {
    synchronized (this) {
      if (done || !running.isEmpty()) {
        return;
      }
      done = true;
      stopTimers();
    }
    scope.run(() -> CallScope.end(listener, Failure.of(status, null)));
  }

  private void stopTimers() {
    if (hedge != null) {
      hedge.cancel(false);
    }
    if (retry != null) {
      retry.cancel(false);
      connections.waiting.remove(this);
      context.removeListener(this);
    }
  }

  /** What comes of one attempt. */
  private final class Attempt extends Listener<R> {
    private final int number;
    private final Connections.One connection;
    private final ClientCall<Q, R> call;
    private Metadata answerHeaders;
    private R answer;

    Attempt(int number, Connections.One connection, ClientCall<Q, R> call) {
      this.number = number;
      this.connection = connection;
      this.call = call;
    }

    @Override
    public void onHeaders(Metadata received) {
      answerHeaders = received;
    }

    @Override
    public void onMessage(R message) {
      if (unary) {
        answer = message;
        return;
      }
      pass();
      listener.onMessage(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (!status.isOk()) {
        failed(this, status, trailers);
        return;
      }
      List<Attempt> others;
      synchronized (AttemptsCall.this) {
        running.remove(this);
        if (done) {
          return;
        }
        done = true;
        connections.retries.succeeded();
        if (hedge != null) {
          connections.hedges.succeeded();
        }
        stopTimers();
        others = List.copyOf(running);
      }
      for (Attempt other : others) {
        other.call.cancel("another copy of the call has answered", null);
      }
      pass();
      if (answer != null) {
        listener.onMessage(answer);
      }
      listener.onClose(status, trailers);
    }

    private void pass() {
      if (!begun) {
        begun = true;
        if (answerHeaders != null) {
          listener.onHeaders(answerHeaders);
        }
      }
    }
  }
}
