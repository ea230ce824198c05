import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "@onehop/controller/http/server";
import type { StatusSource } from "@onehop/controller/status_source";
import type { Status } from "@onehop/core";
import { IntentView, MemoryStore, systemClock } from "@onehop/store";
import { pino } from "pino";

/** The API as it is served in production, over the in-memory store; every object has the state that is set. */
export interface Region {
  readonly url: string;
  /** Over TCP, where tokens are asked for. */
  readonly tcpUrl: string;
  state: Status["state"];
  /** Answer to questions about counters and data paths. */
  answer: unknown;
  close(): Promise<void>;
}

export async function startRegion(): Promise<Region> {
  const store = new MemoryStore();
  const ending = new AbortController();
  const view = await IntentView.open({ store, clock: systemClock, signal: ending.signal });
  const dir = mkdtempSync(join(tmpdir(), "onehop-cli-"));
  const region = { state: "realised" as Status["state"], answer: {} as unknown };
  const status: StatusSource = {
    statusOf: (_kind, _object, revision) => ({ state: region.state, observed_revision: revision }),
    changed: (signal) => new Promise((done) => signal.addEventListener("abort", () => done())),
    query: async () => region.answer,
  };
  let drawn = 0;
  const random = (bytes: number): Uint8Array =>
    createHash("sha256").update(String(drawn++)).digest().subarray(0, bytes);
  const wall = (): number => Date.UTC(2026, 0, 1);
  const server = createServer({
    store,
    view,
    status,
    clock: systemClock,
    wall,
    random,
    logger: pino({ level: "silent" }),
  });
  const url = await server.listen(`unix:${join(dir, "api.sock")}`);
  const tcpUrl = await server.listen("tcp:127.0.0.1:0");
  return Object.assign(region, {
    url,
    tcpUrl,
    async close() {
      ending.abort();
      await server.close();
      await store.close();
      rmSync(dir, { recursive: true });
    },
  });
}
