// The command line of the batch job: its arguments, its summary and its exit status.
package io.github.stubtail.examples;

import io.github.stubtail.StubtailClient;
import io.github.stubtail.StubtailException;
import io.github.stubtail.v1.Priority;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Scores a CSV file: {@code java -jar java-batch.jar --server 127.0.0.1:8500 --model churn --input
 * customers.csv --output scored.csv}. The output has the columns of the input, then score and
 * label. Exit status: 0 all rows are scored, 1 the model refused some, 2 the job failed.
 */
public final class Main {
  private static final int ALL = 0;
  private static final int SOME_REFUSED = 1;
  private static final int FAILED = 2;
  private static final Map<String, String> DEFAULTS =
      Map.of(
          "server", "127.0.0.1:8500",
          "model", "churn",
          "input", "",
          "output", "",
          "rows", "1000", // of a batch: large enough that a call costs little for each row
          "at-once", "4", // batches under way: bounds memory, and what the server has waiting
          "patience-s", "300"); // how long one batch is tried again

  private Main() {}

  public static void main(String... arguments) {
    System.exit(run(System.err, arguments));
  }

  static int run(PrintStream log, String... arguments) {
    Map<String, String> options = new HashMap<>(DEFAULTS);
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      if (!arguments[i].startsWith("--") || !DEFAULTS.containsKey(arguments[i].substring(2))) {
        log.println("unknown option " + arguments[i] + "; there are " + DEFAULTS.keySet());
        return FAILED;
      }
      options.put(arguments[i].substring(2), arguments[i + 1]);
    }
    int atOnce = Integer.parseInt(options.get("at-once"));
    // As many connections as batches at once: each of them may reach a worker of its own.
    try (StubtailClient client =
            StubtailClient.builder(options.get("server"))
                .connections(atOnce)
                .timeout(Duration.ofSeconds(30))
                .build();
        BufferedReader input = Files.newBufferedReader(Path.of(options.get("input")));
        PrintWriter output =
            new PrintWriter(Files.newBufferedWriter(Path.of(options.get("output"))))) {
      // Beside live traffic a batch job comes last.
      StubtailClient polite = client.withPriority(Priority.PRIORITY_LOW);
      Duration patience = Duration.ofSeconds(Long.parseLong(options.get("patience-s")));
      Job job = new Job(polite, options.get("model"), patience, log);
      job.run(input, output, Integer.parseInt(options.get("rows")), atOnce);
      if (output.checkError()) {
        throw new IOException("cannot write " + options.get("output"));
      }
      log.println(job.summary());
      return job.refused() == 0 ? ALL : SOME_REFUSED;
    } catch (StubtailException error) {
      log.println("failed: " + error.getMessage());
    } catch (IOException | IllegalArgumentException error) {
      log.println("failed: " + error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      log.println("interrupted");
    }
    return FAILED;
  }
}
