// Every method against a real server.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.stubtail.v1.AnomalyKind;
import io.github.stubtail.v1.ChatRequest;
import io.github.stubtail.v1.WatchOptions;
import io.github.stubtail.v1.WatchState;
import io.github.stubtail.v1.WatchVerdicts;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every method against a real server, with the models of clients/conformance/models.py. */
final class SurfaceTest {
  private static final double NEAR = 1e-5;
  private static final String SAID = "Grüße aus 東京 🦀.";

  private StubtailClient client;

  @BeforeEach
  void connect() throws Exception {
    client = RealServer.client();
  }

  @AfterEach
  void close() {
    if (client != null) {
      client.close();
    }
  }

  /** What the model `risk` answers. */
  private static double risk(double amount, double plus) {
    return 1 / (1 + Math.exp(-(0.4 * amount - 0.5 + 1.5 * plus)));
  }

  @Test
  void scoresInEveryForm() {
    Rows table = new Table().numbers("amount", 1, 3).strings("plan", "basic", "plus");
    for (Rows rows : new Rows[] {Rows.dense(1, 0, 3, 1), table}) {
      Scores scores =
          client.score(ScoreQuery.of("risk", rows).withCoverage(0.9).withReasons(1)).get("risk");
      assertEquals(2, scores.size());
      assertEquals(risk(1, 0), scores.scores()[0], NEAR);
      assertEquals(risk(3, 1), scores.score(1), NEAR);
      assertEquals("stay", scores.label(0));
      assertEquals("leave", scores.rows().get(1).label());
      assertEquals("low", scores.level(0));
      assertEquals("1", scores.version());
      assertEquals(2, scores.lower().length + scores.upper().length - scores.size());
      assertEquals("plan", scores.reasons(1).get(0).feature());
      assertTrue(scores.reasons(1).get(0).contribution() > 0);
    }
    Row row = new Row().set("amount", 1).set("plan", "basic");
    assertEquals(risk(1, 0), client.score("risk@1", row).score(0), NEAR);
    assertEquals(risk(1, 0), client.scoreAsync("risk", row).join().score(0), NEAR);
    Row same = Row.of(Map.of("amount", 1, "plan", "basic"));
    assertEquals(risk(1, 0), client.score("risk", same).score(0), NEAR);
    ScoreQuery both =
        new ScoreQuery(List.of("risk", "shop"), Rows.dense(1, 0), 0, OptionalInt.empty());
    Map<String, Scores> several = client.scoreAsync(both).join();
    assertEquals(8, several.get("shop").score(0), NEAR);
    assertEquals("stay", several.get("risk").label(0));
  }

  @Test
  void saysWhatIsWrong() {
    Row row = new Row().set("amonut", 1).set("plan", "basic");
    StubtailException error =
        assertThrows(StubtailException.class, () -> client.score("risk", row));
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("named.columns[amonut]", error.violations().get(0).field());
    error = assertThrows(StubtailException.class, () -> client.score("nothing", Rows.dense(1)));
    assertEquals("MODEL_NOT_FOUND", error.reason());
    assertEquals("nothing", error.resource());
  }

  private static Question question() {
    return new Question("shop")
        .context(new Row().set("price", 2).set("plan", "basic"))
        .parameters(new Row().set("cost", 1));
  }

  @Test
  void decides() {
    Question question =
        question()
            .span("price", 1, 5, 5)
            .oneOf("plan", "basic", "plus")
            .maximise("score * (price - cost)")
            .atLeast("score", 4)
            .between("price", 1, 9);
    for (Decision decision :
        List.of(client.decide(question), client.decideAsync(question).join())) {
      Decision.Choice best = decision.best().orElseThrow();
      assertEquals(4.0, best.numbers().get("price"));
      assertEquals("plus", best.texts().get("plan"));
      assertEquals(5, best.predicted(), NEAR);
      assertEquals(15, best.objective(), NEAR);
      assertTrue(Double.isNaN(best.lower()));
      assertTrue(decision.feasible() && decision.baseline().isPresent());
    }
    Question none =
        question()
            .oneOf("price", 1.0, 3.0)
            .maximise("score")
            .atLeast("score", 100)
            .maxChange("price", 0.5)
            .atMost("price", 9);
    Decision decision = client.decide(none);
    assertFalse(decision.feasible());
    assertEquals(Optional.empty(), decision.best());
    assertTrue(decision.nearest().isPresent());
    Question list = question().candidates(new Table().numbers("price", 1, 3)).minimise("score");
    assertEquals(3.0, client.decide(list).best().orElseThrow().numbers().get("price"));
  }

  @Test
  void forecasts() {
    Instant start = Instant.parse("2026-01-05T00:00:00Z");
    double[] values = {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4};
    Outlook outlook =
        new Outlook(4)
            .model("seasonal-naive")
            .levels(0.1, 0.9)
            .frequency("h")
            .seasons(4)
            .series(new Series("a", values).start(start))
            .series(new Series("b", values).start(start));
    for (Forecast forecast :
        List.of(client.forecast(outlook), client.forecastAsync(outlook).join())) {
      assertEquals(2, forecast.size());
      assertArrayEquals(new double[] {1, 2, 3, 4}, forecast.points(1), NEAR);
      assertArrayEquals(new double[] {1, 2, 3, 4}, forecast.quantiles(0, 0.9), NEAR);
      assertEquals(start.plus(Duration.ofHours(16)), forecast.times(1).get(0));
      assertThrows(IllegalArgumentException.class, () -> forecast.quantiles(0, 0.5));
    }
  }

  @Test
  void detectsWhatIsUnusual() {
    double[] values = new double[64];
    for (int i = 0; i < values.length; i++) {
      values[i] = 10 + i % 3;
    }
    values[50] = 1000;
    Detection how =
        new Detection().falseAlarmRate(0.001).kinds(AnomalyKind.ANOMALY_KIND_SPIKE).bands();
    how.series("load", 1, values);
    for (Anomalies found :
        List.of(client.detectSeries(how), client.detectSeriesAsync(how).join())) {
      assertEquals(50, found.series().get("load").get(0).getPeak());
    }
    Detection rows = new Detection().topFeatures(2);
    StubtailException error =
        assertThrows(
            StubtailException.class, () -> client.detectRows("nothing", Rows.dense(1), rows));
    assertEquals("MODEL_NOT_FOUND", error.reason());
  }

  @Test
  void watches() {
    WatchOptions how = WatchOptions.newBuilder().setWarmUp(8).build();
    List<WatchState> state;
    try (Watcher watcher = client.watch(how, List.of())) {
      watcher.send(7, "k", 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 50);
      WatchVerdicts verdicts = watcher.receive().orElseThrow();
      assertEquals(7, verdicts.getSequence());
      assertEquals(1, verdicts.getAlarmsCount());
      assertEquals(10, verdicts.getAlarms(0).getIndex());
      state = watcher.export();
      assertEquals(1, state.size());
      watcher.finish();
      assertEquals(Optional.empty(), watcher.receive());
    }
    try (Watcher again = client.watch(how, state)) {
      again.send(8, "k", 60);
      assertEquals(1, again.receive().orElseThrow().getAlarmsCount());
    }
  }

  @Test
  void talksToLanguageModels() {
    ChatRequest request =
        ChatRequest.newBuilder()
            .setModel("fast")
            .addMessages(Messages.system("Be brief."))
            .addMessages(Messages.user("Hi"))
            .addMessages(Messages.assistant("Yes?"))
            .addMessages(Messages.user("Go on"))
            .build();
    for (Chat chat : List.of(client.chat(request), client.chatAsync(request).join())) {
      assertEquals(SAID, chat.text());
      assertEquals("said", chat.provider());
      assertEquals(15000, chat.end().getUsage().getCostNanoUsd());
    }
    StringBuilder text = new StringBuilder();
    try (ChatStream stream = client.chatStream("fast", "Hi")) {
      stream.forEach(text::append);
      assertEquals(SAID, stream.text());
      assertTrue(stream.start().isPresent() && stream.end().isPresent());
    }
    assertEquals(SAID, text.toString());
    try (ChatStream stream = client.chatStream("said/breaking", "Hi")) {
      StubtailException error =
          assertThrows(StubtailException.class, () -> stream.forEachRemaining(piece -> {}));
      assertEquals("ANSWER_INTERRUPTED", error.reason());
      assertEquals("Grüße aus ", stream.text());
    }
    float[][] vectors = client.embed("fast", List.of("ab", "жжж"));
    assertEquals(3, vectors[1][0]);
    assertEquals(2, client.embedAsync("fast", List.of("ab", "жжж")).join().length);
    assertEquals(3, client.languageModels().getModelsCount());
  }

  @Test
  void looksAround() {
    assertTrue(client.models().size() >= 6);
    assertEquals(client.models(), client.modelsAsync().join());
    assertEquals("plan", client.model("risk").getFeatures(1).getName());
    assertTrue(client.serving(""));
    assertFalse(client.serving("off"));
    assertThrows(StubtailException.class, () -> client.serving("nobody"));
  }
}
