// A whole answer of a language model.
package io.github.stubtail;

import io.github.stubtail.v1.ChatEnd;
import io.github.stubtail.v1.ChatRequest;
import io.github.stubtail.v1.ChatResponse;
import io.github.stubtail.v1.ToolCall;
import java.util.List;

/**
 * A whole answer of a language model.
 *
 * @param text of the answer
 * @param reasoning what the model thought, where the provider tells
 * @param toolCalls the tools that it calls
 * @param provider who answered
 * @param model which model there
 * @param end how it ended, with tokens and cost
 * @param proto the whole reply
 */
public record Chat(
    String text,
    String reasoning,
    List<ToolCall> toolCalls,
    String provider,
    String model,
    ChatEnd end,
    ChatResponse proto) {

  static ChatRequest question(String model, String question) {
    return ChatRequest.newBuilder().setModel(model).addMessages(Messages.user(question)).build();
  }

  static Chat of(ChatResponse reply) {
    if (!hasEnded(reply.hasEnd(), reply.getEnd())) {
      throw StubtailException.malformed("Chat", "the answer has no end");
    }
    return new Chat(
        reply.getText(),
        reply.getReasoning(),
        reply.getToolCallsList(),
        reply.getStart().getProvider(),
        reply.getStart().getModel(),
        reply.getEnd(),
        reply);
  }

  /**
   * Whether the provider gave a reason of the end. Whatever says that the answer is incomplete
   * comes with an error, and is none.
   */
  static boolean hasEnded(boolean present, ChatEnd end) {
    if (!present) {
      return false;
    }
    return switch (end.getFinishReason()) {
      case FINISH_REASON_STOP,
          FINISH_REASON_LENGTH,
          FINISH_REASON_TOOL_CALLS,
          FINISH_REASON_CONTENT_FILTER ->
          true;
      // A word that the server does not know.
      case FINISH_REASON_UNSPECIFIED -> !end.getRawFinishReason().isEmpty();
      default -> false;
    };
  }
}
