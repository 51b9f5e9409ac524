// The Java runner of clients/conformance: does the calls of cases and prints what it saw.
package io.github.stubtail;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * {@code ConformanceRunner TARGET SERVER FOLDER CASES.json...}; see clients/conformance/README.md.
 */
final class ConformanceRunner {
  private static final Gson GSON = new Gson();
  private static final int WARM_UP_CALLS = 100;

  private ConformanceRunner() {}

  public static void main(String... arguments) throws Exception {
    if (arguments.length < 4) {
      throw new IllegalArgumentException("ConformanceRunner TARGET SERVER FOLDER CASES.json...");
    }
    warmUp();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String path : List.of(arguments).subList(3, arguments.length)) {
      JsonObject file = JsonParser.parseString(Files.readString(Path.of(path))).getAsJsonObject();
      for (JsonElement one : file.getAsJsonArray("cases")) {
        JsonObject wanted = one.getAsJsonObject();
        if (wanted.get("server").getAsString().equals(arguments[1])) {
          JsonObject line = new JsonObject();
          line.add("case", wanted.get("name"));
          line.add("calls", calls(wanted, arguments[0], Path.of(arguments[2])));
          out.println(GSON.toJson(line));
        }
      }
    }
  }

  /**
   * Loads what a first call loads, which takes longer than some deadlines; against a server here.
   */
  private static void warmUp() throws IOException {
    try (ScriptedServer server = new ScriptedServer();
        StubtailClient client = server.client(builder -> builder.timeout(Duration.ofMinutes(1)))) {
      for (int i = 0; i < WARM_UP_CALLS; i++) {
        client.score("m", Rows.dense(i));
      }
    }
  }

  private static JsonArray calls(JsonObject wanted, String target, Path folder) throws Exception {
    JsonArray seen = new JsonArray();
    try (StubtailClient client = client(wanted, target, folder)) {
      for (JsonElement call : wanted.getAsJsonArray("calls")) {
        seen.add(new ConformanceCall(call.getAsJsonObject()).many(client));
      }
    }
    return seen;
  }

  private static StubtailClient client(JsonObject wanted, String target, Path folder)
      throws IOException {
    StubtailClientBuilder builder =
        StubtailClient.builder(target)
            .metadata("x-stubtail-case", wanted.get("name").getAsString());
    JsonObject options = wanted.has("client") ? wanted.getAsJsonObject("client") : new JsonObject();
    for (String key : options.keySet()) {
      JsonElement value = options.get(key);
      switch (key) {
        case "timeout_ms" -> builder.timeout(Duration.ofMillis(value.getAsLong()));
        case "connections" -> builder.connections(value.getAsInt());
        case "hedge_after_ms" -> builder.hedgeAfter(Duration.ofMillis(value.getAsLong()));
        case "message_bytes_max" -> builder.messageBytesMax(value.getAsInt());
        case "fail_fast" -> builder.failFast();
        case "tls" -> builder.tls(tls(value.getAsJsonObject(), folder));
        case "token_file" -> builder.tokenFile(folder.resolve(value.getAsString()));
        default -> throw new IllegalArgumentException("no option " + key);
      }
    }
    return builder.build();
  }

  private static Tls tls(JsonObject files, Path folder) {
    Tls tls = new Tls();
    if (files.has("ca")) {
      tls = tls.withCa(folder.resolve(files.get("ca").getAsString()));
    }
    if (files.has("cert")) {
      tls =
          tls.withCertificate(
              folder.resolve(files.get("cert").getAsString()),
              folder.resolve(files.get("key").getAsString()));
    }
    return tls;
  }
}
