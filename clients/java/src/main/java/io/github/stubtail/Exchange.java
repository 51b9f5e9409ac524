// A stream that threads wait for: messages in as they are taken, messages out as fast as they
// leave.
package io.github.stubtail;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * A stream for blocking code. At most one message waits here: the next one is asked for when it is
 * taken, so that who reads slowly slows the server down.
 */
final class Exchange<Q, R> extends ClientCall.Listener<R> {
  private final ClientCall<Q, R> call;
  private final Queue<R> received = new ArrayDeque<>(1);
  private boolean closed;
  private StubtailException failure;

  private Exchange(ClientCall<Q, R> call) {
    this.call = call;
  }

  static <Q, R> Exchange<Q, R> open(ClientCall<Q, R> call) {
    Exchange<Q, R> exchange = new Exchange<>(call);
    call.start(exchange, new Metadata());
    call.request(1);
    return exchange;
  }

  /** The only request of a server's stream. */
  void sendOnly(Q message) {
    call.sendMessage(message);
    call.halfClose();
  }

  /**
   * Sends a message; waits while the server is behind.
   *
   * @throws StubtailException the stream has failed
   */
  void send(Q message) {
    synchronized (this) {
      while (!closed && !call.isReady()) {
        pause();
      }
      if (closed) {
        if (failure != null) {
          throw failure;
        }
        throw new IllegalStateException("the stream has ended");
      }
    }
    call.sendMessage(message);
  }

  void halfClose() {
    call.halfClose();
  }

  void cancel() {
    call.cancel("the caller left", null);
  }

  /**
   * Waits for the next message.
   *
   * @return null after the last one
   * @throws StubtailException the stream has failed
   */
  R receive() {
    R message;
    synchronized (this) {
      while (received.isEmpty() && !closed) {
        pause();
      }
      message = received.poll();
      if (message == null) {
        if (failure != null) {
          throw failure;
        }
        return null;
      }
    }
    call.request(1);
    return message;
  }

  private void pause() {
    try {
      wait();
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      cancel();
      throw StubtailException.of(
          Status.CANCELLED
              .withDescription("the waiting thread was interrupted")
              .withCause(error)
              .asRuntimeException());
    }
  }

  @Override
  public synchronized void onMessage(R message) {
    received.add(message);
    notifyAll();
  }

  @Override
  public synchronized void onReady() {
    notifyAll();
  }

  @Override
  public synchronized void onClose(Status status, Metadata trailers) {
    closed = true;
    if (!status.isOk()) {
      failure = StubtailException.of(status.asRuntimeException(trailers));
    }
    notifyAll();
  }
}
