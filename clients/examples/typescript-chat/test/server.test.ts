/** The page's backend against a real server, and against one that never ends an answer. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Client } from "stubtail";
import { chatServer } from "../src/server.js";
import { Endless } from "./endless.js";

const REAL = process.env["STUBTAIL_TEST_SERVER"];
const SKIP = {
  skip: REAL === undefined && "STUBTAIL_TEST_SERVER is not set: run `make test-clients`",
};
const ASKED = JSON.stringify([{ role: "user", text: "Hi" }]);
const EVENT = /event: (\w+)\ndata: (.*)\n\n/g;

/** Runs something with the address of a backend. */
async function backed(
  server: string,
  model: string,
  work: (address: string) => Promise<void>,
): Promise<void> {
  const client = new Client(server, { timeoutMs: 60_000 });
  const web = chatServer(client, model).listen(0, "127.0.0.1");
  await once(web, "listening");
  try {
    await work(`http://127.0.0.1:${(web.address() as AddressInfo).port}`);
  } finally {
    client.close();
    web.close();
    web.closeAllConnections();
  }
}

const JSON_SENT = { "content-type": "application/json" };

/** What the page would get: the text, and the name of the last event. */
async function asked(address: string): Promise<{ text: string; last: string; data: string }> {
  const response = await fetch(`${address}/chat`, {
    method: "POST",
    headers: JSON_SENT,
    body: ASKED,
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = [...(await response.text()).matchAll(EVENT)].map(([, name = "", data = ""]) => ({
    name,
    data,
  }));
  const texts = events.filter(({ name }) => name === "text");
  const text = texts.map(({ data }) => (JSON.parse(data) as { text: string }).text).join("");
  const end = events.at(-1);
  return { text, last: end?.name ?? "", data: end?.data ?? "" };
}

test("the page, and an answer piece by piece", SKIP, async () => {
  await backed(REAL ?? "", "fast", async (address) => {
    assert.match(await (await fetch(address)).text(), /<title>Chat<\/title>/);
    const { text, last, data } = await asked(address);
    assert.deepEqual([text, last], ["Grüße aus 東京 🦀.", "end"]);
    assert.equal((JSON.parse(data) as { tokens: number }).tokens, 4);
  });
});

test("an answer that breaks off is told as such", SKIP, async () => {
  await backed(REAL ?? "", "said/breaking", async (address) => {
    const { text, last, data } = await asked(address);
    assert.deepEqual([text, last], ["Grüße aus ", "failed"]);
    assert.match(data, /ANSWER_INTERRUPTED/);
  });
});

test("what is no conversation is refused", async () => {
  await backed("127.0.0.1:1", "fast", async (address) => {
    for (const body of [
      "",
      "[]",
      '[{"role": "system", "text": "x"}]',
      `["${"x".repeat(70_000)}"]`,
    ]) {
      const response = await fetch(`${address}/chat`, {
        method: "POST",
        headers: JSON_SENT,
        body,
      });
      assert.equal(response.status, 400, body.slice(0, 40));
      assert.notEqual(await response.text(), "");
    }
    assert.equal((await fetch(`${address}/else`)).status, 404);
    const blind = await fetch(`${address}/chat`, { method: "POST", body: ASKED });
    assert.equal(blind.status, 415, "a page of somebody else can send this");
  });
});

test("when the browser goes away, the call ends on the server", async () => {
  const endless = await new Endless().listen();
  try {
    await backed(endless.address, "fast", async (address) => {
      const controller = new AbortController();
      const { signal } = controller;
      const response = await fetch(`${address}/chat`, {
        method: "POST",
        headers: JSON_SENT,
        body: ASKED,
        signal,
      });
      const first = await response.body?.getReader().read();
      assert.match(Buffer.from(first?.value ?? []).toString(), /event: text/);
      controller.abort();
      await endless.cancelled;
    });
  } finally {
    endless.close();
  }
});
