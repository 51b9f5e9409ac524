// The rules of java.util.concurrent.Flow that subscribers rely on.
package io.github.stubtail;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.stubtail.v1.ChatEnd;
import io.github.stubtail.v1.ChatStreamResponse;
import io.github.stubtail.v1.FinishReason;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class PublicationTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1); // on a busy machine

  /** Notes what it is told. */
  private static class Noting implements Flow.Subscriber<ChatStreamResponse> {
    final List<Object> seen = new CopyOnWriteArrayList<>();
    final CountDownLatch ended = new CountDownLatch(1);
    Flow.Subscription subscription;

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
    }

    @Override
    public void onNext(ChatStreamResponse event) {
      seen.add(event);
    }

    @Override
    public void onError(Throwable error) {
      seen.add(error);
      ended.countDown();
    }

    @Override
    public void onComplete() {
      seen.add("complete");
      ended.countDown();
    }

    void await() throws InterruptedException {
      assertTrue(ended.await(20, TimeUnit.SECONDS), "no end");
    }
  }

  private static ScriptedServer whole() throws Exception {
    ScriptedServer server = new ScriptedServer();
    server.chatsEndWith(
        ChatEnd.newBuilder().setFinishReason(FinishReason.FINISH_REASON_STOP).build());
    return server;
  }

  @Test
  void aDemandOfNothingIsOneError() throws Exception {
    try (ScriptedServer server = whole();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      Noting subscriber = new Noting();
      client.chatEvents(Chat.question("m", "Hi")).subscribe(subscriber);
      subscriber.subscription.request(0);
      subscriber.subscription.request(-1);
      subscriber.await();
      Noting marker = new Noting(); // comes after whatever else was on its way
      client.chatEvents(Chat.question("m", "Hi")).subscribe(marker);
      marker.subscription.request(Long.MAX_VALUE);
      marker.await();
      assertEquals(1, subscriber.seen.size(), subscriber.seen::toString);
      assertInstanceOf(IllegalArgumentException.class, subscriber.seen.get(0));
    }
  }

  @Test
  void aDemandThatComesLateGetsEverything() throws Exception {
    try (ScriptedServer server = whole();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      Noting subscriber = new Noting();
      client.chatEvents(Chat.question("m", "Hi")).subscribe(subscriber);
      subscriber.subscription.request(Long.MAX_VALUE);
      subscriber.await();
      assertEquals(4, subscriber.seen.size(), subscriber.seen::toString);
      assertEquals("complete", subscriber.seen.get(3));
    }
  }

  @Test
  void nothingComesAfterACancel() throws Exception {
    try (ScriptedServer server = whole();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      Noting subscriber = new Noting();
      client.chatEvents(Chat.question("m", "Hi")).subscribe(subscriber);
      subscriber.subscription.cancel();
      subscriber.subscription.request(Long.MAX_VALUE);
      Noting marker = new Noting(); // comes after whatever else was on its way
      client.chatEvents(Chat.question("m", "Hi")).subscribe(marker);
      marker.subscription.request(Long.MAX_VALUE);
      marker.await();
      assertEquals("complete", marker.seen.get(marker.seen.size() - 1));
      assertEquals(List.of(), subscriber.seen);
    }
  }

  @Test
  void aSubscriberIsDemanded() throws Exception {
    try (ScriptedServer server = whole();
        StubtailClient client = server.client(builder -> builder.timeout(PATIENCE))) {
      assertThrows(
          NullPointerException.class,
          () -> client.chatEvents(Chat.question("m", "Hi")).subscribe(null));
    }
  }
}
