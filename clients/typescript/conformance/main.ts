/**
 * The TypeScript runner of clients/conformance: does the calls of cases and prints what it saw, a line of
 * JSON for each case.
 *
 *     node dist/conformance/main.js TARGET SERVER FOLDER CASES.json...
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientOptions, TlsFiles } from "../src/index.js";
import type { Call, Seen } from "./call.js";

interface Wanted {
  timeout_ms?: number;
  connections?: number;
  hedge_after_ms?: number;
  message_bytes_max?: number;
  fail_fast?: boolean;
  tls?: { ca?: string; cert?: string; key?: string };
  token_file?: string;
}

interface Case {
  name: string;
  server: string;
  client?: Wanted;
  calls: Call[];
}

/** The options of the client that a case wants. */
function optionsOf(one: Case, folder: string): ClientOptions {
  const wanted = one.client ?? {};
  const given: ClientOptions = {
    ...(wanted.timeout_ms !== undefined && { timeoutMs: wanted.timeout_ms }),
    ...(wanted.connections !== undefined && { connections: wanted.connections }),
    ...(wanted.hedge_after_ms !== undefined && { hedgeAfterMs: wanted.hedge_after_ms }),
    ...(wanted.message_bytes_max !== undefined && { messageBytesMax: wanted.message_bytes_max }),
    ...(wanted.fail_fast !== undefined && { failFast: wanted.fail_fast }),
    ...(wanted.tls !== undefined && { tls: filesOf(wanted.tls, folder) }),
    ...(wanted.token_file !== undefined && { tokenFile: join(folder, wanted.token_file) }),
  };
  return { ...given, metadata: { "x-stubtail-case": one.name } };
}

function filesOf({ ca, cert, key }: NonNullable<Wanted["tls"]>, folder: string): TlsFiles {
  return {
    ...(ca !== undefined && { caFile: join(folder, ca) }),
    ...(cert !== undefined && { certFile: join(folder, cert) }),
    ...(key !== undefined && { keyFile: join(folder, key) }),
  };
}

if (/^dns:\/\/[^/]/.test(process.argv[2] ?? "")) {
  // A target that names its name server: grpc-js then has to ask that one, and looks here when it is loaded.
  process.env["GRPC_NODE_USE_ALTERNATIVE_RESOLVER"] = "true";
}
const { Client } = await import("../src/index.js");
const { made } = await import("./call.js");

async function seen(one: Case, target: string, folder: string): Promise<Seen[]> {
  const client = new Client(target, optionsOf(one, folder));
  try {
    const reports = [];
    for (const call of one.calls) {
      reports.push(await made(client, call));
    }
    return reports;
  } finally {
    client.close();
  }
}

const [target, server, folder, ...paths] = process.argv.slice(2);
if (target === undefined || server === undefined || folder === undefined || paths.length === 0) {
  throw new Error("main.js TARGET SERVER FOLDER CASES.json...");
}
for (const path of paths) {
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: Case[] };
  for (const one of cases.filter((each) => each.server === server)) {
    const calls = await seen(one, target, folder);
    process.stdout.write(`${JSON.stringify({ case: one.name, calls })}\n`);
  }
}
