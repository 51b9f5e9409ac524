// Which attempts are made again, and when. Pure.
package io.github.stubtail;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The rules of retries, the same in all languages: see clients/README.md. */
final class Retries {
  static final int ATTEMPTS_MAX = 3;
  static final int TOKENS = 50;
  static final double TOKEN_RATIO = 0.1;

  /** Hedges are at most a tenth of the calls, and ten at once after a quiet time. */
  static final int HEDGE_TOKENS = 10;

  // The second wait outlasts a server that shuts down: it refuses calls until it closes its
  // connections.
  private static final long BACKOFF_FIRST_NS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long BACKOFF_FACTOR = 8;
  private static final long BACKOFF_MAX_NS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final double BACKOFF_JITTER = 0.2;
  private static final String LLM_SERVICE = "stubtail.v1.LlmService";

  // The provider of a language model has failed: the server has tried again itself, and another try
  // is paid for.
  private static final Set<String> ASKED_UPSTREAM =
      Set.of("UPSTREAM_FAILED", "ANSWER_INTERRUPTED", "ANSWER_STALLED");

  private Retries() {}

  /**
   * Whether an attempt may have an effect when it is made again: the server refused it, or its
   * connection was lost. A call that the server ends as CANCELLED met the end of that server.
   */
  static boolean retryable(Failure failure) {
    if (failure.late() || failure.closed()) {
      return false;
    }
    return switch (failure.status().getCode()) {
      case UNAVAILABLE, CANCELLED -> !ASKED_UPSTREAM.contains(failure.reason());
      case RESOURCE_EXHAUSTED -> failure.retryAfter().isPresent(); // the server says when
      default -> false;
    };
  }

  /**
   * Whether another copy of the call would be refused too, because of the request or of who calls,
   * so that nobody waits for it. The failure of one server is none, and neither is a refusal for
   * want of time, which a copy that came earlier may have.
   */
  static boolean definite(Failure failure) {
    return switch (failure.status().getCode()) {
      case INVALID_ARGUMENT,
          NOT_FOUND,
          ALREADY_EXISTS,
          PERMISSION_DENIED,
          FAILED_PRECONDITION,
          OUT_OF_RANGE,
          UNIMPLEMENTED,
          UNAUTHENTICATED ->
          true;
      case RESOURCE_EXHAUSTED -> failure.retryAfter().isEmpty(); // the message is too large, say
      default -> false;
    };
  }

  /**
   * The wait before the next attempt in nanoseconds; empty where there is none.
   *
   * @param attempt the number of the one that failed, from 1
   * @param chance from 0 to 1, spreads those that failed together
   */
  static Optional<Long> delayNs(Failure failure, int attempt, double chance) {
    if (attempt >= ATTEMPTS_MAX || failure.never()) {
      return Optional.empty();
    }
    if (failure.retryAfter().isPresent()) {
      return Optional.of(failure.retryAfter().get().toNanos());
    }
    long wait = BACKOFF_FIRST_NS;
    for (int i = 1; i < attempt; i++) {
      wait = Math.min(wait * BACKOFF_FACTOR, BACKOFF_MAX_NS);
    }
    return Optional.of((long) (wait * (1 + BACKOFF_JITTER * (2 * chance - 1))));
  }

  /**
   * Whether a method asks language models: those are slow, and every copy of a call is paid for.
   */
  static boolean asksLanguageModels(String service) {
    return LLM_SERVICE.equals(service);
  }
}
