/** A server whose answers never end, which no provider of the tests does. */
import * as grpc from "@grpc/grpc-js";
import { create, toBinary } from "@bufbuild/protobuf";
import { ChatStreamResponseSchema } from "stubtail/stubs/llm";

const bytes = (buffer: Buffer): Buffer => buffer;

/** Sends one piece of an answer, and waits for the caller to give up. */
export class Endless {
  readonly cancelled: Promise<void>;
  address = "";
  private readonly server = new grpc.Server();
  private tell: () => void = () => undefined;

  constructor() {
    this.cancelled = new Promise((resolve) => {
      this.tell = resolve;
    });
    const method = {
      path: "/stubtail.v1.LlmService/ChatStream",
      requestStream: false,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    this.server.addService(
      { chatStream: method },
      {
        chatStream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
          const event = { case: "delta" as const, value: { text: "on and " } };
          const piece = create(ChatStreamResponseSchema, { event });
          call.write(Buffer.from(toBinary(ChatStreamResponseSchema, piece)));
          call.on("cancelled", this.tell);
        },
      },
    );
  }

  async listen(): Promise<this> {
    const shown = grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync("127.0.0.1:0", shown, (error, bound) => {
        if (error) {
          reject(error);
        } else {
          resolve(bound);
        }
      });
    });
    this.address = `127.0.0.1:${port}`;
    return this;
  }

  close(): void {
    this.server.forceShutdown();
  }
}
