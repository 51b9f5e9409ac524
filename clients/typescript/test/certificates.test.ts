/** Mutual TLS with certificates that are exchanged while the client goes on. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { Certificates } from "../src/credentials.js";
import { StubtailError } from "../src/index.js";
import { GOOD, PATIENCE_MS, Scripted } from "./server.js";

/** Writes a certificate that is its own authority; false where there is no openssl. */
function certify(folder: string, name: string): boolean {
  const files = ["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`)];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  try {
    execFileSync("openssl", ["req", "-x509", ...kind, ...files, ...subject], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("certificates are read again, and half of an exchange counts as none", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "stubtail-"));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  if (!["server", "caller", "stranger"].every((name) => certify(folder, name))) {
    context.skip("there is no openssl to make certificates with");
    return;
  }
  const at = (name: string): string => join(folder, name);
  const show = (name: string): void => {
    copyFileSync(at(`${name}.pem`), at("own.pem"));
    copyFileSync(at(`${name}.key`), at("own.key"));
  };
  const pair = {
    cert_chain: readFileSync(at("server.pem")),
    private_key: readFileSync(at("server.key")),
  };
  const trusted = readFileSync(at("caller.pem"));
  const shown = grpc.ServerCredentials.createSsl(trusted, [pair], true);
  using server = await new Scripted([GOOD]).listen(shown);
  show("stranger");
  const tls = { caFile: at("server.pem"), certFile: at("own.pem"), keyFile: at("own.key") };
  using client = server.client({ tls, failFast: true });
  const row = Float32Array.of(1);
  await assert.rejects(client.score("m", row), {
    code: "UNAVAILABLE",
    reason: "CONNECTION_FAILED",
  });

  copyFileSync(at("caller.pem"), at("own.pem")); // not yet with its key
  const files = new Certificates(tls);
  assert.throws(() => files.read(), /key/);
  show("caller");
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      assert.equal((await client.score("m", row)).scores[0], 0.5);
      break;
    } catch (error) {
      assert.ok(error instanceof StubtailError && Date.now() < endMs, String(error));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  assert.equal(files.changed(0), true);
  files.read();
  assert.equal(files.changed(5000), false);
});
