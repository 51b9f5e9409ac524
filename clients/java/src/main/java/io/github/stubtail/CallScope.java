// What bounds one call, and where its work is done: deadline, context, timer, executor, headers.
package io.github.stubtail;

import com.google.protobuf.MessageLite;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** What all attempts of one call share. */
final class CallScope {
  private final Connections connections;
  private final CallOptions options;
  private final Context context;

  CallScope(Connections connections, CallOptions options, Context context) {
    this.connections = connections;
    this.options = options;
    this.context = context;
  }

  /** Whether the caller has gone, or the time of the call. */
  boolean isOver() {
    return context.isCancelled() || remainingNs() <= 0;
  }

  /** The time until the deadline of the call, or that of its context where it is earlier. */
  long remainingNs() {
    return Math.min(remainingNs(options.getDeadline()), remainingNs(context.getDeadline()));
  }

  private static long remainingNs(Deadline deadline) {
    return deadline == null ? Long.MAX_VALUE : deadline.timeRemaining(TimeUnit.NANOSECONDS);
  }

  /**
   * Refuses a request that is too large. gRPC finds it too, but while a call waits for its
   * connection it loses the error and the call.
   */
  void checkSize(Object message) {
    int most = connections.settings.messageBytesMax();
    if (message instanceof MessageLite sized && sized.getSerializedSize() > most) {
      throw Status.RESOURCE_EXHAUSTED
          .withDescription("message too large: " + sized.getSerializedSize() + " > " + most)
          .asRuntimeException();
    }
  }

  /** The wait before an attempt is made again, paid for; empty where it is not. */
  Optional<Long> retryDelayNs(Failure failure, int number) {
    if (isOver() || !Retries.retryable(failure)) {
      return Optional.empty();
    }
    boolean allowed = connections.retries.failed();
    double chance = ThreadLocalRandom.current().nextDouble();
    // Where it would be too late, the caller hears now what is wrong.
    return Retries.delayNs(failure, number, chance)
        .filter(delayNs -> allowed && delayNs < remainingNs());
  }

  /** Does work later; null where the client is closed. */
  Future<?> later(Runnable work, long delayNs) {
    try {
      return connections.timer.schedule(work, delayNs, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      return null;
    }
  }

  /** Does work where the answers of the call are handled. */
  void run(Runnable work) {
    Executor threads = options.getExecutor();
    if (threads == null) {
      // Not on the timer: what callers do there would hold up the retries of all calls.
      threads = connections.settings.executor().orElseGet(ForkJoinPool::commonPool);
    }
    try {
      threads.execute(work);
    } catch (RejectedExecutionException closed) {
      work.run();
    }
  }

  /**
   * The headers of an attempt, with the token as it is now. A copy: gRPC and interceptors write
   * into the headers of a call, and another attempt begins with those of the caller.
   */
  Metadata headers(Metadata headers) {
    Metadata own = new Metadata();
    own.merge(headers);
    if (connections.settings.token().isPresent()) {
      connections.settings.token().get().put(own);
    }
    return own;
  }

  /** Ends a call with the typed error as the cause of its status, for stubs and for the client. */
  static <R> void end(ClientCall.Listener<R> listener, Failure failure) {
    StubtailException typed = new StubtailException(failure);
    listener.onClose(failure.status().withCause(typed), failure.trailers());
  }
}
