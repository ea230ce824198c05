import { readlinkSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import type { LabHost } from "../fabric/plan.ts";
import { DEFAULT_API_SOCKET, labFiles, namespacePrefix, RUN_DIR } from "../names.ts";
import { identify, signal } from "./identity.ts";
import { ipBatch, namespacesWith, run, tryRun } from "./run.ts";
import { allLabs, isLive, readState } from "./state.ts";
import { until } from "./until.ts";

/** Cleans after every lab whose owner is dead; gives their ids. Labs that live are not touched. */
export async function sweepDead(): Promise<string[]> {
  const dead = allLabs().filter((id) => !isLive(id));
  for (const id of dead) await sweepShared(id);
  return dead;
}

/** Two labs that start at once clean after the same one: what another takes away while we look at it is no failure. */
async function sweepShared(id: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await sweep(id);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
const ATTEMPTS = 5;

/** Removes all of a lab: its processes, namespaces (with the links in them), mounts and files. Works on what is left of one. */
export async function sweep(id: string): Promise<void> {
  for (const child of readState(id)?.children ?? []) signal(child, "SIGKILL");
  const own = await namespacesWith(namespacePrefix(id));
  const namespaces = [...new Set([...own, ...(await madeByAgents(own))])];
  await killWithin(namespaces);
  await ipBatch(namespaces.map((name) => `netns delete ${name}`));
  await unmountUnder(labFiles(id).dir);
  removeDefaultSocket(id);
  rmSync(labFiles(id).dir, { recursive: true, force: true });
  try {
    rmdirSync(RUN_DIR);
  } catch {
    // others use it
  }
}

/** A host, its guests, and what is pinned of it: all that a machine without power has not. Its agent is dead already. */
export async function killHost({ namespace }: LabHost, pins: string): Promise<void> {
  const namespaces = [namespace, ...(await madeByAgents([namespace]))];
  await killWithin(namespaces);
  await ipBatch(namespaces.map((name) => `netns delete ${name}`));
  rmSync(pins, { recursive: true, force: true });
}

/** Namespaces of guests that users named freely: an agent notes on its end of the link which one it made. */
async function madeByAgents(hosts: readonly string[]): Promise<string[]> {
  const made: string[] = [];
  for (const host of hosts) {
    const links = JSON.parse((await run(["ip", "-n", host, "-j", "link", "show"])) || "[]") as { ifalias?: string }[];
    for (const { ifalias = "" } of links) made.push(...(/^onehop \S+ (\S+) made$/.exec(ifalias)?.slice(1) ?? []));
  }
  const present = await namespacesWith("");
  return made.filter((name) => present.includes(name));
}

/** A process that stays in a namespace keeps it alive after its name is gone. */
async function killWithin(namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    const pids = (await run(["ip", "netns", "pids", namespace])).split("\n").filter(Boolean).map(Number);
    const processes = pids.map(identify).filter((p) => p !== undefined);
    for (const process of processes) signal(process, "SIGKILL");
    for (const process of processes)
      await until(`process ${process.pid} to end`, () => identify(process.pid)?.start !== process.start || undefined);
  }
}

async function unmountUnder(dir: string): Promise<void> {
  const { stdout } = await tryRun(["findmnt", "--raw", "--noheadings", "--output", "TARGET"]);
  const targets = stdout.split("\n").filter((target) => target.startsWith(`${dir}/`));
  // Lazily: a process that is just ending may still have it open.
  for (const target of targets.reverse()) await run(["umount", "--lazy", target]);
}

/** `onehop` without --url talks to the lab while it is the only one; the link goes with the lab. */
function removeDefaultSocket(id: string): void {
  try {
    if (readlinkSync(DEFAULT_API_SOCKET) === labFiles(id).apiSocket) unlinkSync(DEFAULT_API_SOCKET);
  } catch {
    // there is none, or it is a real socket
  }
}
