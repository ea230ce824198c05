import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keys, MemoryStore } from "@onehop/store";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type RunningController, startController } from "../src/main.ts";
import { until } from "./rig.ts";

let dir: string;
let store: MemoryStore;
const running: RunningController[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "onehop-start-"));
  store = new MemoryStore();
});
afterEach(async () => {
  for (const controller of running.splice(0)) await controller.stop();
  await store.close();
  rmSync(dir, { recursive: true });
});

const start = async (name: string, place = name) => {
  const at = (socket: string) => `unix:${join(dir, place, socket)}`;
  const controller = await startController({
    store,
    name,
    apiListen: [at("api.sock")],
    agentListen: at("agent.sock"),
    logger: pino({ level: "silent" }),
  });
  running.push(controller);
  return controller;
};

it("A controller makes the folder of its sockets, and takes the place of a link that leads nowhere.", async () => {
  await expect(start("c1")).resolves.toBeDefined();
  symlinkSync(join(dir, "gone"), join(dir, "agent.sock"));
  await expect(start("c2", ".")).resolves.toBeDefined();
});

it("A controller does not take the sockets of one that lives, and gives its claim back where it cannot serve.", async () => {
  const first = await start("c1");
  await until("the first serves", () => first.plane.shards.sure);
  await expect(start("c2", "c1")).rejects.toThrow("is served by another process");
  await first.stop();
  running.splice(0);
  expect(await store.get(keys.member("c2"))).toBeUndefined();
});
