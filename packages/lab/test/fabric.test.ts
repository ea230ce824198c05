import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { listenToWire } from "../src/capture/wire.ts";
import { buildFabric } from "../src/fabric/build.ts";
import { type FabricPlan, planFabric } from "../src/fabric/plan.ts";
import { labFiles, namespacePrefix } from "../src/names.ts";
import { Child } from "../src/system/child.ts";
import { identify } from "../src/system/identity.ts";
import { inNamespace, namespacesWith, run } from "../src/system/run.ts";
import { claimLab, isLive, writeState } from "../src/system/state.ts";
import { sweep, sweepDead } from "../src/system/sweep.ts";
import { until } from "../src/system/until.ts";
import { ping } from "../src/traffic/ping.ts";

const made: string[] = [];
afterEach(async () => {
  for (const id of made.splice(0)) await sweep(id);
});

async function fabric(uplinks: number): Promise<FabricPlan & { id: string }> {
  const { id } = claimLab(Math.random);
  made.push(id);
  const plan = planFabric(id, { hosts: 3, uplinks, mtu: 1550 });
  await buildFabric(plan);
  return { ...plan, id };
}

describe("the underlay", () => {
  test("leads from tunnel address to tunnel address through the router, and nowhere else", async () => {
    const plan = await fabric(2);
    for (const from of plan.hosts)
      for (const to of plan.hosts.filter((h) => h !== from)) {
        const echo = await ping({ namespace: from.namespace, to: to.tunnelAddress, count: 2 });
        expect(echo).toMatchObject({ sent: 2, received: 2, ttls: [63] });
      }
    const neighbours = JSON.parse(await run(["ip", "-j", "-n", plan.hosts[0]!.namespace, "neigh"])) as {
      dst: string;
    }[];
    expect(neighbours.every((n) => n.dst.startsWith("198.18.1."))).toBe(true);
  });

  test("carries packets of its MTU and no bigger ones", async () => {
    const plan = await fabric(1);
    const big = (size: number) =>
      run(inNamespace(plan.hosts[0]!.namespace, ["ping", "-c1", "-W1", "-M", "do", "-s", `${size}`, "192.0.2.2"]));
    await expect(big(1550 - 28)).resolves.toContain("1 received");
    await expect(big(1550 - 27)).rejects.toThrow("ended with 1");
  });

  test("is heard whole: each echo enters and leaves the router once each way", async () => {
    const plan = await fabric(1);
    const seen = await listenToWire(plan, async () => {
      await ping({ namespace: plan.hosts[0]!.namespace, to: "192.0.2.3", count: 50, intervalMs: 1, marker: "hello" });
    });
    const hellos = seen.filter((s) => Buffer.from(s.bytes).includes("hellohello"));
    expect(hellos.filter((s) => s.direction === "in")).toHaveLength(100);
    expect(hellos.filter((s) => s.direction === "out")).toHaveLength(100);
  });
});

describe("cleaning up", () => {
  test("removes namespaces, mounts, files and whatever still runs in them", async () => {
    const plan = await fabric(1);
    const files = labFiles(plan.id);
    await run(["mkdir", files.bpf]);
    await run(["mount", "-t", "bpf", "bpf", files.bpf]);
    const stray = await Child.start({
      name: "stray",
      argv: inNamespace(plan.hosts[0]!.namespace, ["cat", "/dev/zero"]),
    });
    await sweep(plan.id);
    await stray.exited;
    expect(await namespacesWith(namespacePrefix(plan.id))).toEqual([]);
    expect(existsSync(files.dir)).toBe(false);
    expect(await run(["findmnt", "--raw", "-o", "TARGET"])).not.toContain(files.dir);
  });

  test("removes guests' namespaces that an agent made, and leaves those that it found", async () => {
    const plan = await fabric(1);
    const [host, guests] = [plan.hosts[0]!.namespace, ["made", "found"].map((how) => `guest-${plan.id}-${how}`)];
    for (const [i, guest] of guests.entries()) {
      await run(["ip", "netns", "add", guest]);
      await run(["ip", "-n", host, "link", "add", `g${i}`, "type", "veth", "peer", "name", "eth0", "netns", guest]);
      await run([
        "ip",
        "-n",
        host,
        "link",
        "set",
        `g${i}`,
        "alias",
        `onehop port-${i} ${guest} ${guest.split("-")[2]}`,
      ]);
    }
    await sweep(plan.id);
    expect(await namespacesWith(`guest-${plan.id}-`)).toEqual([guests[1]]);
    await run(["ip", "netns", "delete", guests[1]!]);
  });

  test("touches dead labs only", async () => {
    const living = await fabric(1);
    const dead = claimLab(Math.random);
    const gone = { pid: dead.owner.pid, start: dead.owner.start - 1 };
    writeState({ ...dead, owner: gone });
    await run(["ip", "netns", "add", `${namespacePrefix(dead.id)}h1`]);
    expect(await sweepDead()).toContain(dead.id);
    expect(await namespacesWith(namespacePrefix(dead.id))).toEqual([]);
    expect(isLive(living.id)).toBe(true);
    expect(await namespacesWith(namespacePrefix(living.id))).toHaveLength(4);
  });

  test("may be cleaned after by two that start at once", async () => {
    const dead = claimLab(Math.random);
    writeState({ ...dead, owner: { pid: dead.owner.pid, start: dead.owner.start - 1 } });
    for (const host of ["h1", "h2", "h3"]) await run(["ip", "netns", "add", namespacePrefix(dead.id) + host]);
    await Promise.all([sweepDead(), sweepDead()]);
    expect(await namespacesWith(namespacePrefix(dead.id))).toEqual([]);
    expect(existsSync(labFiles(dead.id).dir)).toBe(false);
  });

  test("children end with the process that started them, even when that is killed", async () => {
    const script =
      'const { spawn } = require("node:child_process");' +
      'const c = spawn("setpriv", ["--pdeathsig", "KILL", "--", "sleep", "1000"]); c.once("spawn", () => console.log(c.pid));';
    const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    const pid = await new Promise<number>((done) => parent.stdout.once("data", (line: Buffer) => done(Number(line))));
    await until("the child to be sleep", () => identify(pid));
    parent.kill("SIGKILL");
    await until("the child to end", () => identify(pid) === undefined || undefined, 5_000);
  });
});
