// One copy of a call on its way, and what comes of it.
package io.github.stubtail;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;

/** One attempt of a call: holds an answer back until it is the one that counts. */
final class Attempt<Q, R> extends ClientCall.Listener<R> {
  private final AttemptsCall<Q, R> whole;
  private final int number;
  private final Connections.One connection;
  private final ClientCall<Q, R> call;
  private Metadata headers;
  private R answer;
  private boolean passed;

  Attempt(AttemptsCall<Q, R> whole, int number, Connections.One connection, ClientCall<Q, R> call) {
    this.whole = whole;
    this.number = number;
    this.connection = connection;
    this.call = call;
  }

  int number() {
    return number;
  }

  Connections.One connection() {
    return connection;
  }

  ClientCall<Q, R> call() {
    return call;
  }

  /** Begins it; {@code requested} is how many messages are asked for. */
  void send(Metadata own, int requested, boolean compressed, Q request) {
    call.start(this, own);
    if (requested > 0) { // gRPC fails a call that is asked for no messages
      call.request(requested);
    }
    call.setMessageCompression(compressed);
    call.sendMessage(request);
    call.halfClose();
  }

  @Override
  public void onHeaders(Metadata received) {
    headers = received;
  }

  @Override
  public void onMessage(R message) {
    if (whole.unary) {
      answer = message;
    } else {
      pass().onMessage(message);
    }
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    if (!status.isOk()) {
      whole.failed(this, status, trailers);
    } else if (whole.answered(this)) {
      ClientCall.Listener<R> listener = pass();
      if (answer != null) {
        listener.onMessage(answer);
      }
      listener.onClose(status, trailers);
    }
  }

  /** The listener of the call, which has been given the headers. */
  private ClientCall.Listener<R> pass() {
    ClientCall.Listener<R> listener = whole.begin();
    if (!passed) {
      passed = true;
      if (headers != null) {
        listener.onHeaders(headers);
      }
    }
    return listener;
  }
}
