// How to look for what is unusual.
package io.github.stubtail;

import io.github.stubtail.v1.AnomalyKind;
import io.github.stubtail.v1.Dependency;
import io.github.stubtail.v1.DetectRequest;
import io.github.stubtail.v1.DetectSeries;
import io.github.stubtail.v1.DetectSeriesInput;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/** How to look for what is unusual, and in which series. For one thread. */
public final class Detection {
  private final DetectRequest.Builder request = DetectRequest.newBuilder();
  private final DetectSeriesInput.Builder input = DetectSeriesInput.newBuilder();

  /** The share of what is usual that is flagged all the same; 0.001 where it is not given. */
  public Detection falseAlarmRate(double rate) {
    request.setFalseAlarmRate(rate);
    return this;
  }

  /** Of rows: how many features that drive a score to name. */
  public Detection topFeatures(int count) {
    request.setTopFeatures(count);
    return this;
  }

  /**
   * Adds a series with the length of its season in points: 0 looks for one, 1 says there is none.
   */
  public Detection series(String name, int season, double... values) {
    DetectSeries.Builder one = input.addSeriesBuilder().setName(name).setSeasonLength(season);
    for (double value : values) {
      one.addValues(value);
    }
    return this;
  }

  /** Adds a series with the time of each value. */
  public Detection series(String name, List<Instant> times, double... values) {
    series(name, 0, values);
    DetectSeries.Builder one = input.getSeriesBuilder(input.getSeriesCount() - 1);
    for (Instant time : times) {
      one.addTimestamps(time.getEpochSecond() + time.getNano() / 1e9);
    }
    return this;
  }

  /** Of series: looks for these kinds alone. */
  public Detection kinds(AnomalyKind... kinds) {
    input.addAllKinds(Arrays.asList(kinds));
    return this;
  }

  /** Of series: returns what was expected of every point. */
  public Detection bands() {
    input.setBands(true);
    return this;
  }

  /** Of series: what happens at the same time is one incident with ranked causes. */
  public Detection group() {
    input.setGroup(true);
    return this;
  }

  /** Of groups: a failure of what a component depends on shows in the component. */
  public Detection dependency(String component, String dependsOn) {
    input.addDependencies(Dependency.newBuilder().setComponent(component).setDependsOn(dependsOn));
    return this;
  }

  DetectRequest rows(String model, Rows rows, Options options) {
    DetectRequest.Builder own = request.clone().setModel(model).setPriority(options.priority());
    if (rows instanceof Rows.Dense dense) {
      own.setDense(dense.proto());
    } else if (rows instanceof Row row) {
      own.setNamed(row.proto());
    } else if (rows instanceof Table table) {
      own.setNamed(table.proto());
    } else {
      throw StubtailException.invalid("rows", "expected a Row, a Table or dense rows");
    }
    return own.build();
  }

  DetectRequest series(Options options) {
    return request.clone().setPriority(options.priority()).setSeries(input).build();
  }
}
