import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Client, idempotencyKey, Unreachable } from "@onehop/api";
import type { Port } from "@onehop/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { privateEtcd, randomUUID, serve, world } from "./fixture.ts";

const COUNT = 200;
const WORKERS = 8;
let etcd: Awaited<ReturnType<typeof privateEtcd>>;
const children: ChildProcess[] = [];
/** A killed server leaves its own. */
const sockets: string[] = [];
beforeAll(async () => {
  etcd = await privateEtcd("safe");
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const socket of sockets) rmSync(socket, { force: true });
  await etcd.stop();
});

async function startServer() {
  const script = join(import.meta.dirname, "kill_server.ts");
  const socket = join(tmpdir(), `oh-api-${randomUUID()}.sock`);
  sockets.push(socket);
  const child = spawn(process.execPath, ["--import", "tsx", script, etcd.url, socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [url] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, client: new Client({ url }) };
}

test("after kill -9 in the middle of creations, a retry gives the first answer and nothing is made twice", async () => {
  const first = await startServer();
  const { network } = await world(first.client);
  const requests = Array.from({ length: COUNT }, (_, i) => ({
    key: idempotencyKey(`k${i}`),
    body: { network_id: network.id, name: `p${i}` },
  }));
  const answered = new Map<number, Port>();
  const queue = requests.entries();
  const worker = async () => {
    for (const [i, { key, body }] of queue) {
      answered.set(i, await first.client.create("ports", body, key));
      if (answered.size === COUNT / 4) first.child.kill("SIGKILL");
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: WORKERS }, worker));
  for (const o of outcomes) expect(o).toMatchObject({ status: "rejected", reason: expect.any(Unreachable) });
  expect(answered.size).toBeGreaterThanOrEqual(COUNT / 4);
  expect(answered.size).toBeLessThan(COUNT);

  const second = await serve({ store: etcd.store });
  const stored = (await second.root.list("ports")).length;
  expect(stored).toBeGreaterThanOrEqual(answered.size);
  for (const [i, { key, body }] of requests.entries()) {
    const port = await second.root.create("ports", body, key);
    if (answered.has(i)) expect(port).toEqual(answered.get(i));
  }
  const ports = await second.root.list("ports");
  expect(ports).toHaveLength(COUNT);
  expect(new Set(ports.map((p) => p.addresses[0])).size).toBe(COUNT);
  await second.close();
});
