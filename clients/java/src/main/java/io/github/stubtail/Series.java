// One time series with what is known of it.
package io.github.stubtail;

import io.github.stubtail.v1.Covariate;
import java.time.Instant;

/** One time series: values at equal distances, the oldest first; NaN is missing. For one thread. */
public final class Series {
  private final io.github.stubtail.v1.Series.Builder proto;

  /**
   * A series.
   *
   * @param id comes back with the answer
   */
  public Series(String id, double... values) {
    proto = io.github.stubtail.v1.Series.newBuilder().setId(id);
    for (double value : values) {
      proto.addValues(value);
    }
  }

  /** When the first value was measured. */
  public Series start(Instant time) {
    proto.setStartMs(time.toEpochMilli());
    return this;
  }

  /** A number that is known of every step, the future ones included. */
  public Series covariate(String name, double... values) {
    Covariate.Builder covariate = proto.addCovariatesBuilder().setName(name);
    for (double value : values) {
      covariate.addValues(value);
    }
    return this;
  }

  io.github.stubtail.v1.Series proto() {
    return proto.build();
  }
}
