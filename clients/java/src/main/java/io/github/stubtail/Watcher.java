// Points of many keys in as they happen, verdicts out.
package io.github.stubtail;

import io.github.stubtail.v1.WatchExport;
import io.github.stubtail.v1.WatchOptions;
import io.github.stubtail.v1.WatchPoints;
import io.github.stubtail.v1.WatchRequest;
import io.github.stubtail.v1.WatchResponse;
import io.github.stubtail.v1.WatchState;
import io.github.stubtail.v1.WatchVerdicts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A stream of points and verdicts. One thread may send while another one receives. It has no
 * default deadline: close it.
 */
public final class Watcher implements AutoCloseable {
  private final Exchange<WatchRequest, WatchResponse> exchange;

  Watcher(
      Exchange<WatchRequest, WatchResponse> exchange,
      WatchOptions options,
      List<WatchState> state) {
    this.exchange = exchange;
    exchange.send(WatchRequest.newBuilder().setOptions(options).build());
    for (WatchState piece : state) {
      exchange.send(WatchRequest.newBuilder().setState(piece).build());
    }
  }

  /**
   * Sends points of one key; waits while the server is behind. Each send is answered by one {@link
   * #receive}.
   *
   * @param sequence any number, which comes back with the verdicts
   */
  public void send(long sequence, String key, double... values) {
    send(sequence, List.of(key), values);
  }

  /**
   * Sends points; waits while the server is behind.
   *
   * @param keys the key of each value, or one for all of them
   */
  public void send(long sequence, List<String> keys, double... values) {
    WatchPoints.Builder points = WatchPoints.newBuilder().setSequence(sequence).addAllKeys(keys);
    Arrays.stream(values).forEach(points::addValues);
    exchange.send(WatchRequest.newBuilder().setPoints(points).build());
  }

  /** Waits for the verdicts on the next points; empty after {@link #finish} once all are told. */
  public Optional<WatchVerdicts> receive() {
    WatchResponse response = exchange.receive();
    while (response != null && !response.hasVerdicts()) {
      response = exchange.receive();
    }
    return Optional.ofNullable(response).map(WatchResponse::getVerdicts);
  }

  /** Asks for the state, for the next stream. Call it when all verdicts are received. */
  public List<WatchState> export() {
    exchange.send(WatchRequest.newBuilder().setExport(WatchExport.getDefaultInstance()).build());
    List<WatchState> pieces = new ArrayList<>();
    while (true) {
      WatchResponse response = exchange.receive();
      if (response == null) {
        throw StubtailException.malformed("Watch", "the stream ended before the state");
      }
      if (response.hasState()) {
        pieces.add(response.getState());
        if (response.getState().getLast()) {
          return pieces;
        }
      }
    }
  }

  /** Says that no more points come; receive until there is nothing more. */
  public void finish() {
    exchange.halfClose();
  }

  /** Ends the stream at once. */
  @Override
  public void close() {
    exchange.cancel();
  }
}
