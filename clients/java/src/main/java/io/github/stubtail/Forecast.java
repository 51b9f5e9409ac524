// The answer of Forecast, series by series.
package io.github.stubtail;

import io.github.stubtail.v1.ForecastResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/** The answer of Forecast; its methods take series by their position. */
public final class Forecast {
  private final ForecastResponse reply;

  private Forecast(ForecastResponse reply) {
    this.reply = reply;
  }

  static Forecast of(ForecastResponse reply) {
    long steps = (long) reply.getSeriesCount() * reply.getHorizon();
    int times = reply.getTimestampsMsCount();
    if (reply.getPointsCount() != steps
        || reply.getQuantilesCount() != steps * reply.getQuantileLevelsCount()
        || (times != 0 && times != steps)) {
      throw StubtailException.malformed(
          "Forecast",
          reply.getPointsCount()
              + " points for "
              + reply.getSeriesCount()
              + " series of "
              + reply.getHorizon()
              + " steps");
    }
    return new Forecast(reply);
  }

  /** The number of series. */
  public int size() {
    return reply.getSeriesCount();
  }

  /** The likeliest course of a series. */
  public double[] points(int series) {
    return doubles(series * reply.getHorizon(), reply::getPoints);
  }

  /**
   * The course of a series at one of the levels that were asked for.
   *
   * @throws IllegalArgumentException nobody asked for that level
   */
  public double[] quantiles(int series, double level) {
    int position = reply.getQuantileLevelsList().indexOf(level);
    if (position < 0) {
      throw new IllegalArgumentException(
          "levels are " + reply.getQuantileLevelsList() + ", not " + level);
    }
    int first = (series * reply.getQuantileLevelsCount() + position) * reply.getHorizon();
    return doubles(first, reply::getQuantiles);
  }

  /** The times of the steps; none unless the series had a start and a known frequency. */
  public List<Instant> times(int series) {
    List<Instant> found = new ArrayList<>();
    if (reply.getTimestampsMsCount() > 0) {
      for (int i = 0; i < reply.getHorizon(); i++) {
        found.add(Instant.ofEpochMilli(reply.getTimestampsMs(series * reply.getHorizon() + i)));
      }
    }
    return found;
  }

  /** The whole reply: who answered and why, seasons, trends, backtests. */
  public ForecastResponse proto() {
    return reply;
  }

  private double[] doubles(int first, IntToDoubleFunction column) {
    double[] found = new double[reply.getHorizon()];
    for (int i = 0; i < found.length; i++) {
      found[i] = column.applyAsDouble(first + i);
    }
    return found;
  }
}
