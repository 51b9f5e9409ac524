// The server that `make test-clients` starts; tests that need it are skipped without it.
package io.github.stubtail;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;

/** The server that {@code make test-clients} starts. */
final class RealServer {
  private RealServer() {}

  static String target() {
    String target = System.getenv("STUBTAIL_TEST_SERVER");
    assumeTrue(target != null, "STUBTAIL_TEST_SERVER is not set: run `make test-clients`");
    return target;
  }

  /** A client with patience for a busy machine. */
  static StubtailClient client() throws IOException {
    return StubtailClient.builder(target()).timeout(Duration.ofMinutes(1)).connections(2).build();
  }
}
