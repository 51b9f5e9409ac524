// The batch job against a real server, with rows that are refused, and without a server.
package io.github.stubtail.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MainTest {
  private static final Path CUSTOMERS = Path.of("../../../training/examples/churn.csv");

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  @TempDir private Path folder;

  private int run(String server, Path input, String... more) {
    List<String> arguments = new ArrayList<>(List.of("--server", server));
    arguments.addAll(List.of("--input", input.toString()));
    arguments.addAll(List.of("--output", folder.resolve("scored.csv").toString()));
    arguments.addAll(List.of(more));
    PrintStream log = new PrintStream(said, true, StandardCharsets.UTF_8);
    return Main.run(log, arguments.toArray(String[]::new));
  }

  private static String server() {
    String server = System.getenv("STUBTAIL_TEST_SERVER");
    assumeTrue(server != null, "STUBTAIL_TEST_SERVER is not set: run `make test-clients`");
    return server;
  }

  @Test
  void scoresAFileInBatches() throws Exception {
    List<String> customers = Files.readAllLines(CUSTOMERS);
    assertEquals(0, run(server(), CUSTOMERS, "--rows", "3", "--at-once", "2"), said::toString);
    List<String> scored = Files.readAllLines(folder.resolve("scored.csv"));
    assertEquals(customers.size(), scored.size());
    assertEquals(customers.get(0) + ",score,label", scored.get(0));
    for (int i = 1; i < scored.size(); i++) {
      String row = customers.get(i);
      assertTrue(scored.get(i).startsWith(row + ",0."), scored.get(i));
      assertTrue(scored.get(i).matches(".*,(stay|leave)"), scored.get(i));
    }
    assertTrue(said.toString().contains((customers.size() - 1) + " rows scored by churn@"));
  }

  @Test
  void aRowThatIsRefusedIsToldAndTheOthersAreScored() throws Exception {
    List<String> customers = new ArrayList<>(Files.readAllLines(CUSTOMERS).subList(0, 5));
    customers.set(2, customers.get(2).replace("Two year", "Three year"));
    Path input = Files.write(folder.resolve("customers.csv"), customers);
    assertEquals(1, run(server(), input), said::toString);
    List<String> scored = Files.readAllLines(folder.resolve("scored.csv"));
    assertTrue(scored.get(2).endsWith(",,"), scored.get(2));
    assertTrue(scored.get(3).matches(".*,(stay|leave)"), scored.get(3));
    assertTrue(said.toString().contains("line 3 is refused"), said::toString);
    assertTrue(said.toString().contains("3 rows scored"), said::toString);
  }

  @Test
  void whatFailsSaysSo() throws Exception {
    assertEquals(2, run(server(), CUSTOMERS, "--model", "nothing"));
    assertTrue(said.toString().contains("MODEL_NOT_FOUND"), said::toString);
    assertEquals(2, run("127.0.0.1:1", folder.resolve("none.csv")));
    assertEquals(2, run("127.0.0.1:1", CUSTOMERS, "--colour", "blue"));
  }

  @Test
  void fieldsOfCsv() {
    assertEquals(List.of("a", "b,\"c", ""), Csv.fields("a,\"b,\"\"c\","));
  }
}
