// Bounds extra attempts by a share of the calls, so that retries cannot feed a fire.
package io.github.stubtail;

import java.util.concurrent.atomic.AtomicLong;

/** A bucket of tokens, as gRPC's retryThrottling has: counted in thousandths. */
final class Budget {
  private static final long TOKEN = 1000;

  private final AtomicLong thousandths;
  private final long most;
  private final long least;
  private final long gain;

  /**
   * A full bucket.
   *
   * @param most how many tokens it holds
   * @param least how many must be left for a retry
   * @param ratio what a good call puts back, in tokens
   */
  Budget(int most, int least, double ratio) {
    this.most = most * TOKEN;
    this.least = least * TOKEN;
    this.gain = Math.round(ratio * TOKEN);
    this.thousandths = new AtomicLong(this.most);
  }

  /** Puts a share of a token back. */
  void succeeded() {
    while (true) {
      long now = thousandths.get();
      if (now >= most || thousandths.compareAndSet(now, Math.min(now + gain, most))) {
        return;
      }
    }
  }

  /** Takes a token, and tells whether enough are left for another attempt. */
  boolean failed() {
    while (true) {
      long now = thousandths.get();
      long left = Math.max(now - TOKEN, 0);
      if (thousandths.compareAndSet(now, left)) {
        return left > least;
      }
    }
  }

  /** Takes a token where there is one. */
  boolean take() {
    while (true) {
      long now = thousandths.get();
      if (now < TOKEN) {
        return false;
      }
      if (thousandths.compareAndSet(now, now - TOKEN)) {
        return true;
      }
    }
  }

  /** Whether nothing was taken, or all of it came back. */
  boolean isFull() {
    return thousandths.get() == most;
  }
}
