// The batch job: rows in, scores out, in the order of the rows.
package io.github.stubtail.examples;

import io.github.stubtail.Rows;
import io.github.stubtail.Scores;
import io.github.stubtail.StubtailClient;
import io.github.stubtail.StubtailException;
import io.github.stubtail.Table;
import io.github.stubtail.v1.Feature;
import io.github.stubtail.v1.FeatureType;
import io.github.stubtail.v1.GetModelResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Scores rows in batches, some of them at once. */
final class Job {
  private static final Duration PAUSE = Duration.ofSeconds(1); // where the server names no time

  private record Batch(int firstLine, List<String> lines, CompletableFuture<Scores> scores) {}

  private final StubtailClient client;
  private final GetModelResponse model;
  private final String version;
  private final Duration patience;
  private final PrintStream log;
  private final long startNs = System.nanoTime();
  private List<String> header = List.of();
  private long scored;
  private long refused;
  private long retries;

  Job(StubtailClient client, String name, Duration patience, PrintStream log) {
    this.client = client;
    this.patience = patience;
    this.log = log;
    this.model = client.model(name);
    // One version scores all rows, whatever goes live meanwhile.
    this.version = model.getSummary().getName() + "@" + model.getSummary().getVersion();
  }

  void run(BufferedReader input, PrintWriter output, int rows, int atOnce)
      throws IOException, InterruptedException {
    String first = input.readLine();
    if (first == null) {
      throw new IOException("the input is empty");
    }
    header = Csv.fields(first);
    output.println(first + ",score,label");
    Deque<Batch> underWay = new ArrayDeque<>(atOnce);
    int line = 2;
    List<String> lines = new ArrayList<>(rows);
    for (String next = input.readLine(); next != null; next = input.readLine()) {
      lines.add(next);
      if (lines.size() == rows) {
        if (underWay.size() == atOnce) {
          write(underWay.remove(), output);
        }
        underWay.add(new Batch(line, lines, ask(lines)));
        line += rows;
        lines = new ArrayList<>(rows);
      }
    }
    if (!lines.isEmpty()) {
      underWay.add(new Batch(line, lines, ask(lines)));
    }
    while (!underWay.isEmpty()) {
      write(underWay.remove(), output);
    }
  }

  long refused() {
    return refused;
  }

  String summary() {
    double seconds = (System.nanoTime() - startNs) / 1e9;
    return "%d rows scored by %s, %d refused, %d batches tried again, %.1f s"
        .formatted(scored, version, refused, retries, seconds);
  }

  private CompletableFuture<Scores> ask(List<String> lines) {
    return client.scoreAsync(version, rows(lines));
  }

  /** Waits for a batch and writes it; a batch that is refused goes row by row, to find the rows. */
  private void write(Batch batch, PrintWriter output) throws InterruptedException {
    try {
      Scores scores = answer(batch);
      for (int i = 0; i < scores.size(); i++) {
        output.println(batch.lines().get(i) + "," + scores.score(i) + "," + scores.label(i));
      }
      scored += scores.size();
    } catch (StubtailException error) {
      if (error.violations().isEmpty()) {
        throw error;
      }
      if (batch.lines().size() > 1) {
        for (int i = 0; i < batch.lines().size(); i++) {
          List<String> one = batch.lines().subList(i, i + 1);
          write(new Batch(batch.firstLine() + i, one, ask(one)), output);
        }
        return;
      }
      refused++;
      output.println(batch.lines().get(0) + ",,");
      log.println("line " + batch.firstLine() + " is refused: " + error.violations());
    }
  }

  /**
   * The scores of a batch. The client has tried three times within its deadline; where the server
   * is still too busy, or away, the job waits as long as the server says, and asks again.
   */
  private Scores answer(Batch batch) throws InterruptedException {
    long endNs = System.nanoTime() + patience.toNanos();
    CompletableFuture<Scores> scores = batch.scores();
    while (true) {
      try {
        return scores.join();
      } catch (CompletionException thrown) {
        StubtailException error = StubtailException.of(thrown);
        Duration pause = error.retryAfter().orElse(PAUSE);
        boolean busy =
            switch (error.code()) {
              case UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED -> true;
              default -> false;
            };
        if (!busy || System.nanoTime() + pause.toNanos() > endNs) {
          throw error;
        }
        retries++;
        Thread.sleep(pause.toMillis());
        scores = ask(batch.lines());
      }
    }
  }

  /** Lines as the columns that the model knows; an empty field is missing. */
  private Rows rows(List<String> lines) {
    List<List<String>> fields = lines.stream().map(Csv::fields).toList();
    Table table = new Table();
    for (Feature feature : model.getFeaturesList()) {
      int column = header.indexOf(feature.getName());
      if (column < 0) {
        continue; // the model has a default, or the server says what is missing
      }
      List<String> texts =
          fields.stream().map(row -> column < row.size() ? row.get(column) : "").toList();
      if (feature.getType() == FeatureType.FEATURE_TYPE_CATEGORY) {
        table.strings(feature.getName(), texts);
      } else {
        table.numbers(feature.getName(), texts.stream().mapToDouble(Job::number).toArray());
      }
    }
    return table;
  }

  private static double number(String text) {
    return text.isBlank() ? Double.NaN : Double.parseDouble(text.strip());
  }
}
