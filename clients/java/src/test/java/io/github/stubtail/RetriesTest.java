// Which attempts are made again, when, and how many.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class RetriesTest {
  private static Failure failure(Status status, String reason, Duration after, boolean never) {
    return new Failure(
        status,
        new Metadata(),
        reason,
        Map.of(),
        List.of(),
        Optional.ofNullable(after),
        "",
        never,
        false,
        false);
  }

  private static Failure failure(Status status) {
    return failure(status, "", null, false);
  }

  @Test
  void whatIsRetried() {
    assertTrue(Retries.retryable(failure(Status.UNAVAILABLE)));
    assertTrue(Retries.retryable(failure(Status.CANCELLED)));
    assertFalse(Retries.retryable(failure(Status.UNAVAILABLE, "UPSTREAM_FAILED", null, false)));
    assertFalse(Retries.retryable(failure(Status.UNAVAILABLE).withoutConnection("a:1", true)));
    assertTrue(Retries.retryable(failure(Status.UNAVAILABLE).withoutConnection("a:1", false)));
    assertFalse(Retries.retryable(failure(Status.UNAVAILABLE).ofClosedClient()));
    Duration second = Duration.ofSeconds(1);
    assertTrue(Retries.retryable(failure(Status.RESOURCE_EXHAUSTED, "QUEUE_FULL", second, false)));
    assertFalse(Retries.retryable(failure(Status.RESOURCE_EXHAUSTED)));
    assertFalse(Retries.retryable(failure(Status.INTERNAL)));
    assertFalse(Retries.retryable(failure(Status.DEADLINE_EXCEEDED)));
    assertFalse(Retries.retryable(failure(Status.INVALID_ARGUMENT)));
  }

  @Test
  void whatBothCopiesOfACallWouldMeet() {
    assertTrue(Retries.definite(failure(Status.INVALID_ARGUMENT)));
    assertTrue(Retries.definite(failure(Status.NOT_FOUND)));
    assertTrue(Retries.definite(failure(Status.PERMISSION_DENIED)));
    assertTrue(Retries.definite(failure(Status.RESOURCE_EXHAUSTED)));
    Duration second = Duration.ofSeconds(1);
    assertFalse(Retries.definite(failure(Status.RESOURCE_EXHAUSTED, "QUEUE_FULL", second, false)));
    assertFalse(Retries.definite(failure(Status.UNAVAILABLE)));
    assertFalse(Retries.definite(failure(Status.INTERNAL)));
    assertFalse(Retries.definite(failure(Status.DEADLINE_EXCEEDED)));
  }

  @Test
  void delays() {
    for (double chance : new double[] {0, 0.5, 1}) {
      long first = Retries.delayNs(failure(Status.UNAVAILABLE), 1, chance).orElseThrow();
      long second = Retries.delayNs(failure(Status.UNAVAILABLE), 2, chance).orElseThrow();
      double spread = 0.8 + 0.4 * chance;
      assertEquals(20e6 * spread, first, 2);
      assertEquals(160e6 * spread, second, 2);
    }
    Failure minute = failure(Status.UNAVAILABLE, "", Duration.ofMinutes(1), false);
    assertEquals(Optional.of(TimeUnit.MINUTES.toNanos(1)), Retries.delayNs(minute, 1, 0.5));
    assertEquals(Optional.empty(), Retries.delayNs(minute, Retries.ATTEMPTS_MAX, 0.5));
    Failure never = failure(Status.UNAVAILABLE, "", null, true);
    assertEquals(Optional.empty(), Retries.delayNs(never, 1, 0.5));
  }

  @Test
  void theBudgetStopsRetriesWhileMoreThanAFewPerCentFail() {
    Budget budget = new Budget(50, 25, 0.1);
    int allowed = 0;
    for (int i = 0; i < 100; i++) {
      allowed += budget.failed() ? 1 : 0;
    }
    assertEquals(24, allowed);
    for (int i = 0; i < 249; i++) {
      budget.succeeded();
    }
    assertFalse(budget.failed());
    for (int i = 0; i < 1000; i++) {
      budget.succeeded();
    }
    assertTrue(budget.isFull());
  }

  @Test
  void hedgesAreATenthOfTheCalls() {
    Budget budget = new Budget(10, 1, 0.1);
    int hedges = 0;
    for (int i = 0; i < 1000; i++) {
      hedges += budget.take() ? 1 : 0;
      budget.succeeded();
    }
    assertTrue(hedges >= 100 && hedges <= 111, hedges + " hedges for 1,000 calls");
  }
}
