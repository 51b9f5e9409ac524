// Which answers of language models count as whole, in every form that they can be read in.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.stubtail.v1.ChatEnd;
import io.github.stubtail.v1.ChatRequest;
import io.github.stubtail.v1.ChatStreamResponse;
import io.github.stubtail.v1.FinishReason;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class ChatTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1); // on a busy machine

  @Test
  void whichEndsOfAnswersAreOnes() throws Exception {
    ChatEnd stalled =
        ChatEnd.newBuilder().setFinishReason(FinishReason.FINISH_REASON_STALLED).build();
    ChatEnd stop = ChatEnd.newBuilder().setFinishReason(FinishReason.FINISH_REASON_STOP).build();
    ChatEnd word = ChatEnd.newBuilder().setRawFinishReason("max_time").build();
    ChatRequest request = Chat.question("m", "Hi");
    try (ScriptedServer server = new ScriptedServer();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      for (ChatEnd end : new ChatEnd[] {null, ChatEnd.getDefaultInstance(), stalled, stop, word}) {
        boolean good = end == stop || end == word;
        server.chatsEndWith(end);
        assertEquals(good, isWhole(() -> client.chat(request)), () -> "chat " + end);
        assertEquals(good, isWhole(() -> events(client, request)), () -> "events " + end);
        try (ChatStream stream = client.chatStream(request)) {
          assertEquals(good, isWhole(() -> stream.forEachRemaining(piece -> {})));
          assertEquals("one two", stream.text());
        }
      }
    }
  }

  private static boolean isWhole(Runnable call) {
    try {
      call.run();
      return true;
    } catch (StubtailException error) {
      assertEquals(StubtailException.MALFORMED_REPLY, error.reason());
      return false;
    }
  }

  /** Reads a publisher to its end, one event at a time. */
  private static void events(StubtailClient client, ChatRequest request) {
    CompletableFuture<Void> ended = new CompletableFuture<>();
    client
        .chatEvents(request)
        .subscribe(
            new Flow.Subscriber<ChatStreamResponse>() {
              private Flow.Subscription subscription;

              @Override
              public void onSubscribe(Flow.Subscription given) {
                subscription = given;
                subscription.request(1);
              }

              @Override
              public void onNext(ChatStreamResponse event) {
                subscription.request(1);
              }

              @Override
              public void onError(Throwable error) {
                ended.completeExceptionally(error);
              }

              @Override
              public void onComplete() {
                ended.complete(null);
              }
            });
    try {
      ended.orTimeout(1, TimeUnit.MINUTES).join();
    } catch (CompletionException error) {
      throw StubtailException.of(error);
    }
  }
}
