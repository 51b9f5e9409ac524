/** What a client is made with, tokens and certificates from files. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { TokenFile, isLoopback } from "../src/credentials.js";
import { Client, type ClientOptions, VERSION } from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "stubtail-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("options out of their bounds are refused", () => {
  const wrong: ClientOptions[] = [
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
    { timeoutMs: 48 * 3600 * 1000 },
    { connections: 0 },
    { connections: 1.5 },
    { hedgeAfterMs: 0 },
    { hedgeAfterMs: Infinity },
    { messageBytesMax: 0 },
    { tls: { certFile: "a" } },
    { tls: { caFile: join(folder, "nothing") } },
    { tokenFile: join(folder, "nothing") },
  ];
  for (const options of wrong) {
    assert.throws(() => new Client("127.0.0.1:1", options), Error, JSON.stringify(options));
  }
});

test("a token is not sent in the clear", () => {
  const tokenFile = join(folder, "secret");
  writeFileSync(tokenFile, "secret");
  const targets: [string, boolean][] = [
    ["127.0.0.1:8500", true],
    ["localhost:8500", true],
    ["dns:///localhost:8500", true],
    ["[::1]:8500", true],
    ["::1", true],
    ["unix:/run/s", true],
    ["scores.example:8500", false],
    ["dns:///10.0.0.1:8500", false],
    ["127.example:8500", false],
  ];
  for (const [target, allowed] of targets) {
    assert.equal(isLoopback(target), allowed, target);
    if (allowed) {
      new Client(target, { tokenFile }).close();
    } else {
      assert.throws(() => new Client(target, { tokenFile }), RangeError, target);
    }
  }
  const notPem = { tls: { caFile: tokenFile } };
  assert.throws(() => new Client("a:1", notPem), /nothing in PEM form/);
});

test("a name server that grpc-js would not ask is refused", () => {
  assert.throws(() => new Client("dns://10.0.0.1/scores:8500"), /ALTERNATIVE_RESOLVER/);
});

test("tokens are read again", () => {
  const path = join(folder, "token");
  const write = (text: string): void => {
    writeFileSync(path, text);
  };
  write("first\n");
  const token = new TokenFile(path);
  assert.equal(token.authorization(0), "Bearer first");
  write("second");
  assert.equal(token.authorization(999), "Bearer first", "not older than a second");
  assert.equal(token.authorization(1000), "Bearer second");
  write(""); // being replaced
  assert.equal(token.authorization(3000), "Bearer second");
  rmSync(path);
  assert.equal(token.authorization(5000), "Bearer second");
  write("third");
  assert.equal(token.authorization(7000), "Bearer third");
});

test("the versions of package, client and server are in step", () => {
  const root = join(import.meta.dirname, "..", "..");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const server = readFileSync(join(root, "../../server/stubtail/__init__.py"), "utf8");
  assert.equal(version, VERSION);
  assert.equal(/__version__ = "(.+)"/.exec(server)?.[1], VERSION);
});
