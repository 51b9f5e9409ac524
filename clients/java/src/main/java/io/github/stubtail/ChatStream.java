// An answer of a language model as it is written.
package io.github.stubtail;

import io.github.stubtail.v1.ChatEnd;
import io.github.stubtail.v1.ChatStart;
import io.github.stubtail.v1.ChatStreamResponse;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * An answer as it is written: {@code for (String piece : stream)}. A loop that ends by itself has
 * seen the whole answer. One that breaks off, stalls or fails throws {@link StubtailException},
 * always; {@link #text} is what came. Close it: that ends the call where it is left early. For one
 * thread.
 */
public final class ChatStream implements Iterable<String>, Iterator<String>, AutoCloseable {
  private final Replies<ChatStreamResponse> events;
  private final StringBuilder text = new StringBuilder();
  private Optional<ChatStart> start = Optional.empty();
  private Optional<ChatEnd> end = Optional.empty();
  private String piece;

  ChatStream(Replies<ChatStreamResponse> events) {
    this.events = events;
  }

  /**
   * Waits for the next event, whatever it is.
   *
   * @return empty after the end of a complete answer
   */
  public Optional<ChatStreamResponse> event() {
    if (!events.hasNext()) {
      if (!Chat.hasEnded(end.isPresent(), end.orElse(null))) {
        throw StubtailException.malformed("ChatStream", "the answer ended without an end");
      }
      return Optional.empty();
    }
    ChatStreamResponse event = events.next();
    switch (event.getEventCase()) {
      case START -> start = Optional.of(event.getStart());
      case RESTART -> { // what came is void
        text.setLength(0);
        start = Optional.of(event.getRestart().getStart());
      }
      case DELTA -> text.append(event.getDelta().getText());
      case END -> end = Optional.of(event.getEnd());
      default -> { // a newer server has more to tell
      }
    }
    return Optional.of(event);
  }

  /** Waits for the next piece of the text. */
  @Override
  public boolean hasNext() {
    while (piece == null) {
      Optional<ChatStreamResponse> event = event();
      if (event.isEmpty()) {
        return false;
      }
      String found = event.get().getDelta().getText();
      piece = found.isEmpty() ? null : found;
    }
    return true;
  }

  @Override
  public String next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    String found = piece;
    piece = null;
    return found;
  }

  /** This object: there is one pass over an answer. */
  @Override
  public Iterator<String> iterator() {
    return this;
  }

  /** The text so far. */
  public String text() {
    return text.toString();
  }

  /** Who answers; empty before they do. */
  public Optional<ChatStart> start() {
    return start;
  }

  /** How the answer ended, with tokens and cost; empty before it has. */
  public Optional<ChatEnd> end() {
    return end;
  }

  /** Ends the call, unless it has ended. */
  @Override
  public void close() {
    events.close();
  }
}
