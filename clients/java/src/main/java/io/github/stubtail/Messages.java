// Messages of a chat.
package io.github.stubtail;

import io.github.stubtail.v1.ChatMessage;
import io.github.stubtail.v1.ChatRole;

/** Makes messages of a chat. */
public final class Messages {
  private Messages() {}

  /** What the person says. */
  public static ChatMessage user(String text) {
    return message(ChatRole.CHAT_ROLE_USER, text);
  }

  /** What the application says. */
  public static ChatMessage system(String text) {
    return message(ChatRole.CHAT_ROLE_SYSTEM, text);
  }

  /** An earlier answer of the model. */
  public static ChatMessage assistant(String text) {
    return message(ChatRole.CHAT_ROLE_ASSISTANT, text);
  }

  private static ChatMessage message(ChatRole role, String text) {
    return ChatMessage.newBuilder().setRole(role).setText(text).build();
  }
}
