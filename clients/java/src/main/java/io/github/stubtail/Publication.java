// A server's stream as a publisher of java.util.concurrent.Flow: each subscriber makes a call.
package io.github.stubtail;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.function.Supplier;

/**
 * A server's stream as a publisher. The demand of the subscriber is that of the call, so that the
 * server sends no more than was asked for; to cancel the subscription cancels the call.
 */
final class Publication<Q, R> implements Flow.Publisher<R> {
  private final Supplier<ClientCall<Q, R>> calls;
  private final Q request;

  Publication(Supplier<ClientCall<Q, R>> calls, Q request) {
    this.calls = calls;
    this.request = request;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super R> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    ClientCall<Q, R> call = calls.get();
    Subscription<R> subscription = new Subscription<>(call, subscriber);
    call.start(subscription, new Metadata());
    subscriber.onSubscribe(subscription);
    call.sendMessage(request);
    call.halfClose();
  }

  private static final class Subscription<R> extends ClientCall.Listener<R>
      implements Flow.Subscription {
    private final ClientCall<?, R> call;
    private final Flow.Subscriber<? super R> subscriber;
    private volatile boolean cancelled;
    private volatile IllegalArgumentException refused;

    Subscription(ClientCall<?, R> call, Flow.Subscriber<? super R> subscriber) {
      this.call = call;
      this.subscriber = subscriber;
    }

    @Override
    public void request(long count) {
      if (count <= 0) {
        // Its onClose tells the subscriber, after what is being told and only once.
        refused = new IllegalArgumentException("the demand is above 0, not " + count);
        call.cancel("the demand is not above 0", refused);
        return;
      }
      call.request((int) Math.min(count, Integer.MAX_VALUE));
    }

    @Override
    public void cancel() {
      cancelled = true;
      call.cancel("the subscriber left", null);
    }

    @Override
    public void onMessage(R message) {
      if (!cancelled && refused == null) {
        subscriber.onNext(message);
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (cancelled) {
        return;
      }
      if (refused != null) {
        subscriber.onError(refused);
      } else if (status.isOk()) {
        subscriber.onComplete();
      } else {
        subscriber.onError(StubtailException.of(status.asRuntimeException(trailers)));
      }
    }
  }
}
