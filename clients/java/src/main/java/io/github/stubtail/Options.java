// What one call, or a view of a client, has beyond its request.
package io.github.stubtail;

import io.github.stubtail.v1.Priority;
import java.time.Duration;
import java.util.Optional;

/**
 * What a view of a client gives to each of its calls.
 *
 * @param timeout of a call
 * @param priority its class, where the request has one
 * @param trace the caller's trace context
 */
record Options(Optional<Duration> timeout, Priority priority, Optional<Trace> trace) {
  static final Options NONE =
      new Options(Optional.empty(), Priority.PRIORITY_UNSPECIFIED, Optional.empty());
}
