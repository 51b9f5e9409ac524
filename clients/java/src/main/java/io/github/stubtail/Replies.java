// The messages of a server's stream, for a loop in try-with-resources.
package io.github.stubtail;

import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The messages of a server's stream, one after the other. A loop that ends by itself has seen all
 * of them; one that fails throws {@link StubtailException}. Close it: that ends the call where it
 * is left early. For one thread.
 *
 * @param <R> the type of the messages
 */
public final class Replies<R> implements Iterator<R>, Iterable<R>, AutoCloseable {
  private final Exchange<?, R> exchange;
  private R next;
  private boolean ended;

  Replies(Exchange<?, R> exchange) {
    this.exchange = exchange;
  }

  /** Waits for the next message. */
  @Override
  public boolean hasNext() {
    if (next == null && !ended) {
      next = exchange.receive();
      ended = next == null;
    }
    return next != null;
  }

  @Override
  public R next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    R message = next;
    next = null;
    return message;
  }

  /** This object: there is one pass over a stream. */
  @Override
  public Iterator<R> iterator() {
    return this;
  }

  /** Ends the call, unless it has ended. */
  @Override
  public void close() {
    ended = true;
    exchange.cancel();
  }
}
