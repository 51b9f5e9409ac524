// One call with one request: made again, or twice, where that makes sense.
package io.github.stubtail;

import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;

/**
 * One call with one request. A unary one is buffered until its end, so that the first good answer
 * counts; a stream goes on as it comes, and is begun anew while nothing of it has come.
 */
final class AttemptsCall<Q, R> extends ClientCall<Q, R> implements Context.CancellationListener {
  final boolean unary;
  private final Connections connections;
  private final MethodDescriptor<Q, R> method;
  private final CallOptions options;
  private final Context context = Context.current();
  private final CallScope scope;

  // All of what follows is guarded by this object's lock.
  private final List<Attempt<Q, R>> running = new ArrayList<>(2);
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
    for (Attempt<Q, R> one : running) {
      one.call().request(count);
    }
  }

  @Override
  public synchronized void sendMessage(Q message) {
    scope.checkSize(message);
    request = message;
  }

  @Override
  public void halfClose() {
    synchronized (this) {
      if (cancelled) {
        return;
      }
      if (unary && !Retries.asksLanguageModels(method.getServiceName())) {
        Optional<Duration> after = connections.settings.hedgeAfter();
        hedge = after.map(wait -> scope.later(this::hedge, wait.toNanos())).orElse(null);
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
    return !running.isEmpty() && running.get(0).call().isReady();
  }

  @Override
  public synchronized Attributes getAttributes() {
    return running.isEmpty() ? Attributes.EMPTY : running.get(0).call().getAttributes();
  }

  @Override
  public void cancel(String message, Throwable cause) {
    Status told = Status.CANCELLED.withDescription(message).withCause(cause);
    Listener<R> idle = null;
    List<Attempt<Q, R>> ended;
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
    for (Attempt<Q, R> one : ended) {
      one.call().cancel(message, cause);
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
        ClientCall<Q, R> call = connection.channel().newCall(method, options);
        Attempt<Q, R> one = new Attempt<>(this, number, connection, call);
        running.add(one);
        try {
          one.send(scope.headers(headers), requested, compressed, request);
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

  /** An attempt was answered to its end; tells whether it is the first. The others are ended. */
  boolean answered(Attempt<Q, R> attempt) {
    List<Attempt<Q, R>> others;
    synchronized (this) {
      running.remove(attempt);
      if (done) {
        return false;
      }
      connections.retries.succeeded();
      if (hedge != null) {
        connections.hedges.succeeded();
      }
      others = over();
    }
    end(others);
    return true;
  }

  void failed(Attempt<Q, R> attempt, Status status, Metadata trailers) {
    Failure failure;
    List<Attempt<Q, R>> others;
    synchronized (this) {
      running.remove(attempt);
      if (done) {
        return;
      }
      failure =
          connections.told(
              Failure.of(status, trailers), attempt.connection(), cancelled || scope.isOver());
      if (!begun && again(failure, attempt.number())) {
        return;
      }
      if (!Retries.definite(failure) && (!running.isEmpty() || waiting > 0)) {
        return; // the other copy of the call may still answer
      }
      others = over();
    }
    end(others);
    CallScope.end(listener, failure);
  }

  /** Takes note of the end of the call, under the lock; returns the attempts that nobody needs. */
  private List<Attempt<Q, R>> over() {
    done = true;
    stopTimers();
    return List.copyOf(running);
  }

  /**
   * Ends attempts, outside of the lock: where answers are handled in place, they come meanwhile.
   */
  private void end(List<Attempt<Q, R>> others) {
    for (Attempt<Q, R> other : others) {
      other.call().cancel("another copy of the call has ended it", null);
    }
  }

  /** The listener of the call, for what comes of an attempt that is not made again any more. */
  Listener<R> begin() {
    begun = true;
    return listener;
  }

  /** Makes the attempt again when its time comes, if it comes; tells whether it does. */
  private boolean again(Failure failure, int number) {
    Optional<Long> delayNs = cancelled ? Optional.empty() : scope.retryDelayNs(failure, number);
    if (delayNs.isEmpty()) {
      return false;
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
}
