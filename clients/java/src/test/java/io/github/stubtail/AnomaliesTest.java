// The verdicts on rows, read from the columns of a reply.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.stubtail.v1.DetectResponse;
import io.github.stubtail.v1.Drivers;
import io.github.stubtail.v1.Severity;
import java.util.List;
import org.junit.jupiter.api.Test;

final class AnomaliesTest {
  private static DetectResponse.Builder twoRows() {
    return DetectResponse.newBuilder()
        .addAllScores(List.of(0.1f, 0.9f))
        .addAllPValues(List.of(0.5f, 0.0001f))
        .addAllSeverities(List.of(Severity.SEVERITY_LOW, Severity.SEVERITY_CRITICAL))
        .addAllFlagged(List.of(false, true))
        .setDrivers(
            Drivers.newBuilder()
                .setTop(1)
                .addAllNames(List.of("amount", "plan"))
                .addAllNameIndexes(List.of(1, 0))
                .addAllContributions(List.of(0.5f, 4f))
                .addAllValues(List.of(1f, 99f))
                .addAllLower(List.of(0f, 2f))
                .addAllUpper(List.of(1f, 8f)));
  }

  @Test
  void columnsBecomeRows() {
    Anomalies.Judged second = Anomalies.of(twoRows().build()).rows().get(1);
    assertEquals(0.9f, second.score());
    assertEquals(0.0001f, second.pValue());
    assertEquals(Severity.SEVERITY_CRITICAL, second.severity());
    assertEquals(true, second.flagged());
    assertEquals(List.of(new Anomalies.Driver("amount", 4, 99, 2, 8)), second.drivers());
  }

  @Test
  void aForeignReplyIsAnError() {
    StubtailException error =
        assertThrows(StubtailException.class, () -> Anomalies.of(twoRows().addScores(1).build()));
    assertEquals(StubtailException.MALFORMED_REPLY, error.reason());
  }
}
