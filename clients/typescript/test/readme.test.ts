/** The code of README.md, compiled as it stands there and run against a real server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { REAL, SKIP } from "./server.js";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");

test("README.md", SKIP, async () => {
  const page = readFileSync(join(root, "README.md"), "utf8");
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  assert.equal(blocks.length, 1);
  const [code = ""] = blocks;
  const folder = mkdtempSync(join(root, "dist", "readme-")); // within the package, which it imports
  try {
    const own = code
      .replace("127.0.0.1:8500", REAL ?? "")
      .replace("timeoutMs: 500", "timeoutMs: 60_000"); // on a busy machine
    assert.notEqual(own, code);
    writeFileSync(join(folder, "main.ts"), own);
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        rootDir: folder,
        outDir: join(folder, "out"),
        incremental: false,
        tsBuildInfoFile: null,
      },
      include: [join(folder, "main.ts")],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
    const { stdout } = await run(process.execPath, [join(folder, "out", "main.js")]);
    assert.match(stdout, /^0\.\d+ leave \d+\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
