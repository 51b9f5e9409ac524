// The answer of Detect: judged rows, or what is unusual in series.
package io.github.stubtail;

import io.github.stubtail.v1.Anomaly;
import io.github.stubtail.v1.DetectResponse;
import io.github.stubtail.v1.Drivers;
import io.github.stubtail.v1.Severity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The answer of Detect.
 *
 * @param rows of rows: one verdict each
 * @param series of series: what is unusual, by the name of the series
 * @param proto the whole reply: bands, incidents, warnings
 */
public record Anomalies(
    List<Judged> rows, Map<String, List<Anomaly>> series, DetectResponse proto) {

  /**
   * The verdict on one row.
   *
   * @param score 0 (as usual as any) to 1 (beyond all that was seen)
   * @param pValue the chance that a usual row has such a score or a higher one
   * @param severity how unusual it is
   * @param flagged whether the chance is at most the rate of false alarms
   * @param drivers what makes it unusual, the strongest first; none unless asked for
   */
  public record Judged(
      float score, float pValue, Severity severity, boolean flagged, List<Driver> drivers) {}

  /**
   * One feature that makes a row unusual.
   *
   * @param feature its name
   * @param contribution how unusual it is, -log10 of its chance in a usual row
   * @param value as the model took it
   * @param lower the lower end of what was expected, given the row's other features
   * @param upper the upper end
   */
  public record Driver(String feature, float contribution, float value, float lower, float upper) {}

  static Anomalies of(DetectResponse reply) {
    Map<String, List<Anomaly>> series = new LinkedHashMap<>();
    reply.getSeriesList().forEach(one -> series.put(one.getName(), one.getAnomaliesList()));
    List<Judged> rows = new ArrayList<>();
    try {
      for (int row = 0; row < reply.getScoresCount(); row++) {
        rows.add(
            new Judged(
                reply.getScores(row),
                reply.getPValues(row),
                reply.getSeverities(row),
                reply.getFlagged(row),
                drivers(reply.getDrivers(), row)));
      }
    } catch (IndexOutOfBoundsException error) {
      throw StubtailException.malformed("Detect", "its columns are of different lengths");
    }
    return new Anomalies(List.copyOf(rows), series, reply);
  }

  private static List<Driver> drivers(Drivers all, int row) {
    List<Driver> found = new ArrayList<>();
    for (int i = row * all.getTop(); i < (row + 1) * all.getTop(); i++) {
      found.add(
          new Driver(
              all.getNames(all.getNameIndexes(i)),
              all.getContributions(i),
              all.getValues(i),
              all.getLower(i),
              all.getUpper(i)));
    }
    return List.copyOf(found);
  }
}
