// One call of a case: made through the client, reported as JSON.
package io.github.stubtail;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.github.stubtail.health.HealthGrpc;
import io.github.stubtail.v1.AnomalyServiceGrpc;
import io.github.stubtail.v1.DecisionServiceGrpc;
import io.github.stubtail.v1.DenseRows;
import io.github.stubtail.v1.ForecastingServiceGrpc;
import io.github.stubtail.v1.LlmServiceGrpc;
import io.github.stubtail.v1.ModelServiceGrpc;
import io.github.stubtail.v1.ScoreRequest;
import io.github.stubtail.v1.ScoringServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/** One call of a case. */
final class ConformanceCall {
  private static final List<ServiceDescriptor> SERVICES =
      List.of(
          ScoringServiceGrpc.getServiceDescriptor(),
          DecisionServiceGrpc.getServiceDescriptor(),
          ForecastingServiceGrpc.getServiceDescriptor(),
          AnomalyServiceGrpc.getServiceDescriptor(),
          LlmServiceGrpc.getServiceDescriptor(),
          ModelServiceGrpc.getServiceDescriptor(),
          HealthGrpc.getServiceDescriptor());
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().omittingInsignificantWhitespace();

  private final JsonObject call;

  ConformanceCall(JsonObject call) {
    this.call = call;
  }

  /** Makes the call once, many times, or many times at once. */
  JsonObject many(StubtailClient client) throws Exception {
    if (!call.has("concurrent") && !call.has("repeat")) {
      return once(client);
    }
    JsonObject statuses = new JsonObject();
    List<CompletableFuture<Message>> all = new ArrayList<>();
    for (int i = 0; i < number("concurrent"); i++) {
      all.add(prepared(client).callAsync(method(), requests().get(0)));
    }
    for (CompletableFuture<Message> one : all) {
      JsonObject seen = new JsonObject();
      try {
        one.join();
        seen.addProperty("status", "OK");
      } catch (CompletionException error) {
        tell(seen, error.getCause());
      }
      count(statuses, seen);
    }
    for (int i = 0; i < number("repeat"); i++) {
      count(statuses, once(client));
      Thread.sleep(number("pause_ms"));
    }
    JsonObject total = new JsonObject();
    total.add("statuses", statuses);
    return total;
  }

  private static void count(JsonObject statuses, JsonObject seen) {
    String status = seen.get("status").getAsString();
    int before = statuses.has(status) ? statuses.get(status).getAsInt() : 0;
    statuses.addProperty(status, before + 1);
  }

  private JsonObject once(StubtailClient client) throws Exception {
    JsonObject seen = new JsonObject();
    List<Message> replies = new ArrayList<>();
    if (call.has("decode")) {
      byte[] wire = HexFormat.of().parseHex(call.get("bytes").getAsString());
      Message empty = message(call.get("decode").getAsString());
      replies.add(empty.getParserForType().parseFrom(wire));
      seen.addProperty("status", "OK");
    } else {
      Thread.sleep(number("wait_ms"));
      StubtailClient own = prepared(client);
      long start = System.nanoTime();
      try {
        make(own, replies);
        seen.addProperty("status", "OK");
      } catch (RuntimeException error) {
        tell(seen, error);
      }
      seen.addProperty("elapsed_ms", (System.nanoTime() - start) / 1e6);
    }
    seen.addProperty("count", replies.size());
    report(seen, replies);
    return seen;
  }

  private void report(JsonObject seen, List<Message> replies) throws Exception {
    if (call.has("size_only")) {
      seen.addProperty("reply_bytes", replies.stream().mapToInt(Message::getSerializedSize).sum());
      return;
    }
    JsonArray documents = new JsonArray();
    for (Message reply : replies) {
      documents.add(JsonParser.parseString(PRINTER.print(reply)));
    }
    seen.add("replies", documents);
  }

  private StubtailClient prepared(StubtailClient client) {
    StubtailClient own = client;
    if (call.has("trace")) {
      own = own.withTrace(call.get("trace").getAsString(), "");
    }
    if (call.has("timeout_ms")) {
      own = own.withTimeout(Duration.ofMillis(number("timeout_ms")));
    }
    return own;
  }

  private void make(StubtailClient client, List<Message> replies) throws Exception {
    MethodDescriptor<Message, Message> method = method();
    if (method.getType() != MethodDescriptor.MethodType.UNARY) {
      stream(client.exchange(method), method.getType().clientSendsOneMessage(), replies);
    } else if (call.has("cancel_after_ms")) {
      CompletableFuture<Message> answer = client.callAsync(method, requests().get(0));
      cancelLater(() -> answer.cancel(true));
      try {
        replies.add(answer.join());
      } catch (CompletionException error) {
        throw (RuntimeException) error.getCause();
      }
    } else {
      replies.add(client.call(method, requests().get(0)));
    }
  }

  private void stream(Exchange<Message, Message> exchange, boolean sendsOne, List<Message> replies)
      throws Exception {
    cancelLater(exchange::cancel);
    if (sendsOne) {
      exchange.sendOnly(requests().get(0));
    } else {
      for (Message request : requests()) {
        exchange.send(request);
      }
      exchange.halfClose();
    }
    for (Message next = exchange.receive(); next != null; next = exchange.receive()) {
      replies.add(next);
      if (replies.size() == number("read")) {
        Thread.sleep(number("pause_ms"));
        exchange.cancel();
        return;
      }
    }
  }

  private void cancelLater(Runnable cancel) {
    if (call.has("cancel_after_ms")) {
      CompletableFuture.delayedExecutor(number("cancel_after_ms"), TimeUnit.MILLISECONDS)
          .execute(cancel);
    }
  }

  private List<Message> requests() throws InvalidProtocolBufferException {
    List<Message> found = new ArrayList<>();
    JsonArray documents = new JsonArray();
    if (call.has("requests")) {
      documents = call.getAsJsonArray("requests");
    } else {
      documents.add(call.has("request") ? call.get("request") : new JsonObject());
    }
    for (JsonElement document : documents) {
      Message.Builder builder = prototype(method().getRequestMarshaller()).newBuilderForType();
      JsonFormat.parser().merge(document.toString(), builder);
      if (builder instanceof ScoreRequest.Builder score && call.has("dense_values")) {
        DenseRows.Builder rows = DenseRows.newBuilder();
        for (int i = 0; i < number("dense_values"); i++) {
          rows.addValues(0.5f);
        }
        score.setDense(rows);
      }
      found.add(builder.build());
    }
    return found;
  }

  /** What the client's own error says. */
  private static void tell(JsonObject seen, Throwable error) {
    if (error instanceof java.util.concurrent.CancellationException) {
      seen.addProperty("status", "CANCELLED"); // what futures say of the caller's own wish
      return;
    }
    if (!(error instanceof StubtailException failure)) {
      seen.addProperty("status", "UNTYPED");
      seen.addProperty("message", String.valueOf(error));
      return;
    }
    seen.addProperty("status", failure.code().name());
    seen.addProperty("reason", failure.reason());
    seen.addProperty("message", failure.description());
    failure
        .retryAfter()
        .ifPresent(after -> seen.addProperty("retry_after_ms", after.toNanos() / 1e6));
    seen.addProperty("resource", failure.resource());
    JsonArray violations = new JsonArray();
    for (StubtailException.FieldViolation one : failure.violations()) {
      JsonObject violation = new JsonObject();
      violation.addProperty("field", one.field());
      violation.addProperty("description", one.description());
      violations.add(violation);
    }
    seen.add("violations", violations);
  }

  @SuppressWarnings("unchecked") // the messages of all our methods are protobuf's
  private MethodDescriptor<Message, Message> method() {
    String path = call.get("method").getAsString().substring(1);
    for (ServiceDescriptor service : SERVICES) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        if (method.getFullMethodName().equals(path)) {
          return (MethodDescriptor<Message, Message>) method;
        }
      }
    }
    throw new IllegalArgumentException("no method " + path);
  }

  private static Message prototype(MethodDescriptor.Marshaller<Message> marshaller) {
    return ((MethodDescriptor.PrototypeMarshaller<Message>) marshaller).getMessagePrototype();
  }

  private static Message message(String name) throws ReflectiveOperationException {
    String type =
        name.replaceFirst("^stubtail\\.v1\\.", "io.github.stubtail.v1.")
            .replaceFirst("^grpc\\.health\\.v1\\.", "io.github.stubtail.health.");
    return (Message) Class.forName(type).getMethod("getDefaultInstance").invoke(null);
  }

  private int number(String key) {
    return call.has(key) ? call.get(key).getAsInt() : 0;
  }
}
