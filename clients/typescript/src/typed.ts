/** Between messages and bytes: what a method is called, what it takes and gives. */
import {
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
  create,
  fromBinary,
  isMessage,
  toBinary,
} from "@bufbuild/protobuf";
import { invalid, malformed } from "./errors.js";

const paths = new WeakMap<DescMethod, string>();

/** `/package.Service/Method`. */
export function pathOf(method: DescMethod): string {
  let path = paths.get(method);
  if (path === undefined) {
    path = `/${method.parent.typeName}/${method.name}`;
    paths.set(method, path);
  }
  return path;
}

/**
 * The bytes of a message, or of what one is made of.
 *
 * @throws StubtailError where a value does not fit its field
 */
export function encoded<I extends DescMessage>(schema: I, message: MessageInitShape<I>): Buffer {
  try {
    const whole = isMessage(message, schema) ? message : create(schema, message);
    return bufferOf(toBinary(schema, whole));
  } catch (error) {
    throw invalid("request", (error as Error).message, error);
  }
}

/**
 * The message of bytes that a method has answered.
 *
 * @throws StubtailError where they are none
 */
export function decoded<O extends DescMessage>(
  method: DescMethod & { output: O },
  bytes: Buffer,
): MessageShape<O> {
  try {
    return fromBinary(method.output, bytes);
  } catch (error) {
    throw malformed(method.name, "the bytes are no such message", error);
  }
}

/** The same bytes as the class that grpc-js wants; nothing is copied. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
