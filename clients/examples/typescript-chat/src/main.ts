/**
 * A page to chat with a language model, and its backend.
 *
 *     npm run build && npm start -- --server 127.0.0.1:8500 --model fast --port 8080
 *
 * `make serve-llm` has a model of this machine under the name "local".
 */
import { parseArgs } from "node:util";
import { Client } from "stubtail";
import { chatServer } from "./server.js";

const { values } = parseArgs({
  options: {
    server: { type: "string", default: "127.0.0.1:8500" }, // dns:///name:port for several
    model: { type: "string", default: "fast" },
    port: { type: "string", default: "8080" },
  },
});

// One client for the life of the service; each connection reaches one worker of the server.
const client = new Client(values.server, { connections: 2 });
const web = chatServer(client, values.model);
web.listen(Number(values.port), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${values.port}\n`);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    client.close(); // answers under way end with an event that says so
    web.close();
  });
}
