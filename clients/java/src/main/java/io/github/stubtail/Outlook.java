// What Forecast is asked: how far, how sure, of which series.
package io.github.stubtail;

import io.github.stubtail.v1.ForecastRequest;

/** What Forecast is asked. For one thread, and for one call or many. */
public final class Outlook {
  private final ForecastRequest.Builder request = ForecastRequest.newBuilder();

  /** Asks for so many steps after the last value: 1 to 1,024. */
  public Outlook(int horizon) {
    request.setHorizon(horizon);
  }

  /** Who forecasts; "auto" where it is not given. */
  public Outlook model(String name) {
    request.setModel(name);
    return this;
  }

  /** Asks for quantiles at these levels, ascending, such as 0.1 and 0.9. */
  public Outlook levels(double... levels) {
    for (double level : levels) {
      request.addQuantileLevels(level);
    }
    return this;
  }

  /** The time between two values, such as "h" or "5min". */
  public Outlook frequency(String step) {
    request.setFrequency(step);
    return this;
  }

  /** The lengths of the seasons in steps; without them the server finds them. */
  public Outlook seasons(double... lengths) {
    for (double length : lengths) {
      request.addSeasonLengths(length);
    }
    return this;
  }

  /** Values below 0 are impossible. */
  public Outlook nonNegative() {
    request.setNonNegative(true);
    return this;
  }

  /** Values are counts. */
  public Outlook counts() {
    request.setInteger(true);
    return this;
  }

  /** Adds a series. */
  public Outlook series(Series one) {
    request.addSeries(one.proto());
    return this;
  }

  ForecastRequest proto(Options options) {
    return request.clone().setPriority(options.priority()).build();
  }
}
