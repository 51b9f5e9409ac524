// Events of a chat as a publisher that completes only after a whole answer.
package io.github.stubtail;

import io.github.stubtail.v1.ChatStreamResponse;
import java.util.concurrent.Flow;

/** Passes events on, and turns the end of an answer without an end into an error. */
final class WholeAnswer implements Flow.Publisher<ChatStreamResponse> {
  private final Flow.Publisher<ChatStreamResponse> events;

  WholeAnswer(Flow.Publisher<ChatStreamResponse> events) {
    this.events = events;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ChatStreamResponse> subscriber) {
    events.subscribe(
        new Flow.Subscriber<ChatStreamResponse>() {
          private boolean ended;

          @Override
          public void onSubscribe(Flow.Subscription subscription) {
            subscriber.onSubscribe(subscription);
          }

          @Override
          public void onNext(ChatStreamResponse event) {
            ended = ended || Chat.hasEnded(event.hasEnd(), event.getEnd());
            subscriber.onNext(event);
          }

          @Override
          public void onError(Throwable error) {
            subscriber.onError(error);
          }

          @Override
          public void onComplete() {
            if (ended) {
              subscriber.onComplete();
            } else {
              subscriber.onError(
                  StubtailException.malformed("ChatStream", "the answer ended without an end"));
            }
          }
        });
  }
}
