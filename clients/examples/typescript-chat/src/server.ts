/** The backend of the page: streams the tokens of an answer as server-sent events. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { type Client, type Message, StubtailError, assistant, user } from "stubtail";

const BODY_BYTES_MAX = 64 * 1024; // of a conversation
const MESSAGES_MAX = 100;
const ANSWERS_MAX = 200; // at once; each holds a connection and a stream
const ANSWER_MS_MAX = 120_000;
const page = readFileSync(new URL("../../page.html", import.meta.url));

/** What the page sends: the conversation so far, the question last. */
type Said = { role: "user" | "assistant"; text: string }[];

// A page of somebody else cannot send this without asking the browser first, and so spends no tokens here.
const JSON_TYPE = "application/json";

/** What is wrong with a request, for the caller. */
class BadRequest extends Error {}

/** A server of the page at `/`, and of answers at `POST /chat`. */
export function chatServer(client: Client, model: string): Server {
  let answers = 0;
  return createServer((request, response) => {
    if (request.method === "GET" && request.url === "/") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
    } else if (request.method !== "POST" || request.url !== "/chat") {
      response.writeHead(404).end();
    } else if (request.headers["content-type"] !== JSON_TYPE) {
      response.writeHead(415).end(`send ${JSON_TYPE}`);
    } else if (answers >= ANSWERS_MAX) {
      response.writeHead(503, { "retry-after": "1" }).end("too many answers at once");
    } else {
      answers += 1;
      void answer(client, model, request, response).finally(() => {
        answers -= 1;
      });
    }
  });
}

async function answer(
  client: Client,
  model: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // When the browser goes away, the answer ends at the provider too: nobody pays for what nobody reads.
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort(new Error("the browser has gone"));
  });
  try {
    const messages = await conversation(request);
    const stream = client.chatStream(model, messages, {
      signal: gone.signal,
      timeoutMs: ANSWER_MS_MAX,
      endUser: "page",
    });
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    });
    for await (const text of stream) {
      await send(response, "text", { text }, gone.signal);
    }
    const { usage, finishReason } = stream.end ?? {};
    await send(
      response,
      "end",
      { tokens: Number(usage?.outputTokens ?? 0), finishReason },
      gone.signal,
    );
  } catch (error) {
    if (!gone.signal.aborted) {
      fail(response, error);
    }
  } finally {
    response.end();
  }
}

/** The messages in the body of a request. */
async function conversation(request: IncomingMessage): Promise<Message[]> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new BadRequest(`a conversation has at most ${BODY_BYTES_MAX} bytes`);
    }
    pieces.push(piece);
  }
  let said: unknown;
  try {
    said = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    throw new BadRequest("the body is no JSON");
  }
  if (!isConversation(said)) {
    throw new BadRequest(
      `expected 1 to ${MESSAGES_MAX} of {"role": "user" or "assistant", "text": ..}`,
    );
  }
  return said.map(({ role, text }) => (role === "user" ? user(text) : assistant(text)));
}

function isConversation(said: unknown): said is Said {
  const isMessage = (one: unknown): boolean =>
    typeof one === "object" &&
    one !== null &&
    "role" in one &&
    (one.role === "user" || one.role === "assistant") &&
    "text" in one &&
    typeof one.text === "string";
  return (
    Array.isArray(said) && said.length > 0 && said.length <= MESSAGES_MAX && said.every(isMessage)
  );
}

/** Writes an event; waits while the browser is behind, which slows the server down as well. */
async function send(
  response: ServerResponse,
  event: string,
  data: unknown,
  signal: AbortSignal,
): Promise<void> {
  if (!response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) {
    await once(response, "drain", { signal });
  }
}

/** Tells the page what went wrong: as a status before the first event, as an event after it. */
function fail(response: ServerResponse, error: unknown): void {
  if (error instanceof BadRequest) {
    response.writeHead(400, { connection: "close" }).end(error.message);
    return;
  }
  const known = error instanceof StubtailError;
  process.stderr.write(`no answer: ${String(error)}\n`);
  const { reason, retryAfterMs } = known ? error : { reason: "", retryAfterMs: undefined };
  response.write(`event: failed\ndata: ${JSON.stringify({ reason, retryAfterMs })}\n\n`);
}
