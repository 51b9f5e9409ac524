/** Answers of language models, whole or as they are written. */
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { malformed } from "./errors.js";
import {
  type ChatEnd,
  type ChatMessageSchema,
  type ChatRequest,
  ChatRequestSchema,
  ChatRole,
  type ChatStart,
  type ChatStreamResponse,
  FinishReason,
} from "./gen/stubtail/v1/llm_pb.js";
import type { CallOptions } from "./scope.js";

/** One message of a conversation; see `user`, `system` and `assistant`. */
export type Message = MessageInitShape<typeof ChatMessageSchema>;

/** What can be said of a chat besides its messages: sampling, tools, routing and the like. */
export type ChatOptions = CallOptions &
  Omit<MessageInitShape<typeof ChatRequestSchema>, "$typeName" | "$unknown" | "model" | "messages">;

const COMPLETE = new Set([
  FinishReason.STOP,
  FinishReason.LENGTH,
  FinishReason.TOOL_CALLS,
  FinishReason.CONTENT_FILTER,
]);

/** What the person says who asks. */
export function user(text: string): Message {
  return { role: ChatRole.USER, text };
}

/** Instructions of the application. */
export function system(text: string): Message {
  return { role: ChatRole.SYSTEM, text };
}

/** An earlier answer of the model. */
export function assistant(text: string): Message {
  return { role: ChatRole.ASSISTANT, text };
}

/** The request of a chat: a question, or a conversation. */
export function chatRequest(
  model: string,
  messages: string | readonly Message[],
  options: ChatOptions = {},
): ChatRequest {
  const { timeoutMs, signal, trace, parent, metadata, ...more } = options;
  const whole = typeof messages === "string" ? [user(messages)] : [...messages];
  return create(ChatRequestSchema, { ...more, model, messages: whole });
}

/**
 * Whether the provider gave a reason of the end. Whatever says that the answer is incomplete comes with an
 * error, and is none.
 */
export function hasEnded(end: ChatEnd | undefined): boolean {
  if (end?.finishReason === FinishReason.UNSPECIFIED) {
    return end.rawFinishReason !== ""; // a word that the server does not know
  }
  return end !== undefined && COMPLETE.has(end.finishReason);
}

/**
 * An answer as it is written: `for await (const piece of stream)`. A loop that ends by itself has seen the
 * whole answer, unless `end.finishReason` is unspecified: then the provider gave a reason that nobody knows.
 * One that is left early cancels the call. Whatever else ends an answer is thrown, and `text` is what came.
 */
export class ChatStream implements AsyncIterable<string> {
  /** The text so far. */
  text = "";
  /** Who answers; undefined before they do. */
  start: ChatStart | undefined;
  /** How the answer ended, with tokens and cost; undefined before it has. */
  end: ChatEnd | undefined;
  private readonly source: AsyncGenerator<ChatStreamResponse, void, void>;

  constructor(events: AsyncGenerator<ChatStreamResponse, void, void>) {
    this.source = this.followed(events);
  }

  /** The events, of which there is one reader: Start, Deltas, End, and Restarts where they are allowed. */
  events(): AsyncGenerator<ChatStreamResponse, void, void> {
    return this.source;
  }

  /** The pieces of the text. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    for await (const { event } of this.source) {
      if (event.case === "delta" && event.value.text !== "") {
        yield event.value.text;
      }
    }
  }

  private async *followed(
    events: AsyncGenerator<ChatStreamResponse, void, void>,
  ): AsyncGenerator<ChatStreamResponse, void, void> {
    for await (const one of events) {
      this.note(one.event);
      yield one;
    }
    if (!hasEnded(this.end)) {
      throw malformed("ChatStream", "the answer ended without an end");
    }
  }

  private note(event: ChatStreamResponse["event"]): void {
    switch (event.case) {
      case "start":
        this.start = event.value;
        break;
      case "restart": // what came is void
        this.text = "";
        this.start = event.value.start;
        break;
      case "delta":
        this.text += event.value.text;
        break;
      case "end":
        this.end = event.value;
        break;
    }
  }
}
