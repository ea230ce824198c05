import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as poll } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { openStore, startEtcd } from "../src/index.ts";

const WRITES = 1_000;
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function folder(): Promise<string> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "onehop-kill-"));
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

/** Runs kill_writer.ts and answers its lines as they come. */
function startWriter(dataDir: string, writes: number): { child: ChildProcess; lines: AsyncIterable<string> } {
  const script = path.join(import.meta.dirname, "kill_writer.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, dataDir, String(writes)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanups.push(async () => child.kill("SIGKILL"));
  return { child, lines: createInterface({ input: child.stdout }) };
}

/** Whether the process is gone, or dead and only not yet waited for (proc(5)). */
async function isGone(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat === undefined || stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

it("kill -9 of everything in the middle of 1,000 writes loses nothing acknowledged", async () => {
  const dataDir = await folder();
  const { child, lines } = startWriter(dataDir, WRITES);
  const acknowledged = new Map<number, number>();
  let etcd = 0;
  for await (const line of lines) {
    const [word, number] = line.split(" ") as [string, string];
    if (word === "etcd") etcd = Number(number);
    else acknowledged.set(Number(word), Number(number));
    if (acknowledged.size !== WRITES / 2) continue;
    // Lines already written are read on after this; they were acknowledged, too.
    process.kill(etcd, "SIGKILL");
    child.kill("SIGKILL");
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(WRITES / 2);
  expect(acknowledged.size).toBeLessThan(WRITES);

  const again = await startEtcd({ dataDir });
  cleanups.push(() => again.stop());
  const store = openStore(again.url);
  cleanups.push(() => store.close());
  const [a, b] = [await store.range({ prefix: "/a/" }), await store.range({ prefix: "/b/" })];
  const stored = new Map(a.entries.map((e) => [Number(e.key.slice(3)), e]));
  for (const [i, revision] of acknowledged)
    expect(stored.get(i)).toMatchObject({ value: `value ${i}`, mod_revision: revision, create_revision: revision });
  // Whole transactions: what one range has, the other has at the same revision.
  const names = (entries: readonly { key: string; mod_revision: number }[]) =>
    entries.map((e) => `${e.key.slice(3)}@${e.mod_revision}`);
  expect(names(b.entries)).toEqual(names(a.entries));
});

it("a private etcd ends with a parent that is killed, and the next start finds the data", async () => {
  const dataDir = await folder();
  const { child, lines } = startWriter(dataDir, 10);
  let etcd = 0;
  for await (const line of lines) {
    if (line.startsWith("etcd")) etcd = Number(line.split(" ")[1]);
    if (line === "done") child.kill("SIGKILL");
  }
  while (!(await isGone(etcd))) await poll(10);
  const again = await startEtcd({ dataDir });
  cleanups.push(() => again.stop());
  const store = openStore(again.url);
  cleanups.push(() => store.close());
  expect((await store.range({ prefix: "/a/" })).entries.length).toBe(10);
});

it("a stale etcd on the data folder is ended by the next start, and no other process is", async () => {
  const dataDir = await folder();
  const { writeFile } = await import("node:fs/promises");
  // A pid file that names a process which is no etcd: the number was given to another since.
  const bystander = spawn("sleep", ["600"]);
  cleanups.push(async () => bystander.kill("SIGKILL"));
  await once(bystander, "spawn");
  await writeFile(path.join(dataDir, "etcd.pid"), JSON.stringify({ pid: bystander.pid, owner: 1 }));
  // An etcd on this folder whose recorded parent is not its parent any more.
  const first = await startEtcd({ dataDir });
  expect(bystander.exitCode).toBeNull();
  await writeFile(path.join(dataDir, "etcd.pid"), JSON.stringify({ pid: first.pid, owner: bystander.pid }));
  const second = await startEtcd({ dataDir });
  cleanups.push(() => second.stop());
  await first.exited;
  expect(existsSync(`/proc/${first.pid}`)).toBe(false);
  expect(bystander.exitCode).toBeNull();
});
