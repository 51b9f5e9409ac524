// What the client adds to a raw stub in processor time: `make bench-clients`.
package io.github.stubtail;

import com.sun.management.OperatingSystemMXBean;
import io.github.stubtail.v1.DenseRows;
import io.github.stubtail.v1.ScoreRequest;
import io.github.stubtail.v1.ScoringServiceGrpc;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Compares the processor time of this process for a call through the client with that of a call
 * through the raw stub, with a deadline as every caller should set one, at 1,000 calls a second.
 * Both take turns, so that a noisy machine treats them alike.
 */
final class AddedCost {
  private static final int CALLS_PER_SECOND = 1000;
  private static final int BLOCK = 500;
  private static final int WARM_UP = 10_000;
  private static final Duration PATIENCE = Duration.ofMinutes(1); // of a first call, in a cold JVM

  private AddedCost() {}

  /** {@code AddedCost [ROUNDS]}, with the server's address in STUBTAIL_TEST_SERVER. */
  public static void main(String... arguments) throws Exception {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 40;
    String target = System.getenv("STUBTAIL_TEST_SERVER");
    if (target == null) {
      throw new IllegalStateException("STUBTAIL_TEST_SERVER is not set: run `make bench-clients`");
    }
    ManagedChannelBuilder<?> plain =
        Grpc.newChannelBuilder(target, InsecureChannelCredentials.create());
    ManagedChannel channel = plain.build();
    ManagedChannel lean = plain.disableRetry().build();
    try (StubtailClient client = StubtailClient.builder(target).timeout(PATIENCE).build()) {
      Runnable own = () -> client.score("risk", Rows.dense(1, 0));
      long[] spent = measure(rounds, raw(channel), raw(lean), own);
      double calls = 1e3 * rounds * BLOCK;
      System.out.printf(
          Locale.ROOT,
          "java: raw %.1f us CPU a call, client %.1f, added %.1f %%; to a raw stub without gRPC's"
              + " retries (%.1f us) %.1f %% (%d calls of each)%n",
          spent[0] / calls,
          spent[2] / calls,
          100 * ((double) spent[2] / spent[0] - 1),
          spent[1] / calls,
          100 * ((double) spent[2] / spent[1] - 1),
          rounds * BLOCK);
    } finally {
      channel.shutdownNow();
      lean.shutdownNow();
    }
  }

  private static Runnable raw(ManagedChannel channel) {
    ScoringServiceGrpc.ScoringServiceBlockingStub stub =
        ScoringServiceGrpc.newBlockingStub(channel);
    return () -> {
      DenseRows rows = DenseRows.newBuilder().addValues(1).addValues(0).build();
      stub.withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS)
          .score(ScoreRequest.newBuilder().setModel("risk").setDense(rows).build());
    };
  }

  private static long[] measure(int rounds, Runnable... kinds) {
    for (int i = 0; i < WARM_UP; i++) {
      for (Runnable kind : kinds) {
        kind.run();
      }
    }
    long[] spentNs = new long[kinds.length];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < kinds.length; i++) {
        spentNs[i] += spentNs(kinds[i]);
      }
    }
    return spentNs;
  }

  /** Makes a block of calls at the pace; returns the processor time that they took. */
  private static long spentNs(Runnable call) {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long before = system.getProcessCpuTime(); // in steps of 10 ms, which many rounds even out
    long next = System.nanoTime();
    for (int i = 0; i < BLOCK; i++) {
      next += TimeUnit.SECONDS.toNanos(1) / CALLS_PER_SECOND;
      LockSupport.parkNanos(next - System.nanoTime());
      call.run();
    }
    return system.getProcessCpuTime() - before;
  }
}
