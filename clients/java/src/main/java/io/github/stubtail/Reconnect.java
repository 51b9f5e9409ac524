// Connects again soon: gRPC for Java waits for 1 s to 2 min, longer than whole calls may take.
package io.github.stubtail;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** Shortens the waits of one channel to 0.1 s, growing to 2 s while the server stays away. */
final class Reconnect {
  private static final long FIRST_MS = 100;
  private static final long MOST_MS = 2000;
  private static final double FACTOR = 1.6;
  private static final double JITTER = 0.2;

  private final ManagedChannel channel;
  private final ScheduledExecutorService timer;
  private long waitMs = FIRST_MS;

  Reconnect(ManagedChannel channel, ScheduledExecutorService timer) {
    this.channel = channel;
    this.timer = timer;
  }

  void start() {
    watch(channel.getState(false));
  }

  private void watch(ConnectivityState state) {
    channel.notifyWhenStateChanged(state, this::changed);
  }

  private synchronized void changed() {
    ConnectivityState state = channel.getState(false);
    if (state == ConnectivityState.SHUTDOWN) {
      return;
    }
    if (state == ConnectivityState.READY) {
      waitMs = FIRST_MS;
    } else if (state == ConnectivityState.TRANSIENT_FAILURE) {
      double spread = 1 + JITTER * (2 * ThreadLocalRandom.current().nextDouble() - 1);
      try {
        timer.schedule(
            channel::resetConnectBackoff, (long) (waitMs * spread), TimeUnit.MILLISECONDS);
      } catch (RejectedExecutionException closed) {
        return;
      }
      waitMs = Math.min((long) (waitMs * FACTOR), MOST_MS);
    }
    watch(state);
  }
}
