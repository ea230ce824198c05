import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Slice, SliceEnvelope, SliceId } from "@onehop/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashes } from "./hash.ts";
import { Snapshot } from "./snapshot.ts";

const envelope = (id: SliceId, body: Slice): SliceEnvelope => ({
  id,
  epoch: 1,
  generation: 2,
  hash: hashes.of(body).hash,
  body,
});
const HOSTS = envelope("hosts", { type: "hosts", hosts: [] });
const vpc = (routes = 0): SliceEnvelope => {
  const route = { id: "r", destination: "10.9.0.0/16", next_hop: "10.0.0.9" };
  const body = { type: "vpc", vpc_id: "v", vni: 7, cidrs: [], routes: Array(routes).fill(route) } as const;
  return envelope("vpc/v", body);
};
const own = (hostId: string) =>
  envelope(`host/${hostId}`, { type: "host", host_id: hostId, number: 1, slices: ["hosts"] });

let dir: string;
let problems: string[];
const snapshot = (hostId = "h") => new Snapshot({ stateDir: dir, hostId, onProblem: (said) => problems.push(said) });
const file = (name: string) => join(dir, "plan", name);
const idsOf = async (plan: Snapshot) => (await plan.load()).map((s) => s.id).sort();
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "onehop-snapshot-"));
  problems = [];
  await snapshot().load();
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("the plan on disk", () => {
  it("comes back as it was saved, without what was forgotten, readable by root only", async () => {
    const first = snapshot();
    expect(await first.load()).toEqual([]);
    await first.save([HOSTS, vpc(), own("h")]);
    await first.forget(["host/h"]);
    expect(await idsOf(snapshot())).toEqual(["hosts", "vpc/v"]);
    for (const name of readdirSync(join(dir, "plan"))) expect(statSync(file(name)).mode & 0o777).toBe(0o600);
    expect(problems).toEqual([]);
  });

  it.each<[string, () => void, string]>([
    ["was cut short", () => writeFileSync(file("vpc_v.v1.json"), '{"id":"vp'), "JSON"],
    ["is empty", () => writeFileSync(file("vpc_v.v1.json"), ""), "JSON"],
    ["is JSON and no slice", () => writeFileSync(file("vpc_v.v1.json"), "null"), "it is no slice of a plan"],
    ["has no content", () => writeFileSync(file("vpc_v.v1.json"), '{"id":"vpc/v"}'), "or not all of one"],
    [
      "was changed by a bit",
      () =>
        writeFileSync(file("vpc_v.v1.json"), readFileSync(file("vpc_v.v1.json"), "utf8").replace('"vni":7', '"vni":5')),
      "or not all of one",
    ],
    ["has another slice in it", () => copyFileSync(file("hosts.v1.json"), file("vpc_v.v1.json")), "belongs to hosts"],
  ])("passes over a file that %s with a sentence, and uses the others", async (_, spoil, sentence) => {
    await snapshot().save([HOSTS, vpc()]);
    spoil();
    expect(await idsOf(snapshot())).toEqual(["hosts"]);
    expect(problems).toEqual([expect.stringContaining(sentence)]);
    expect(problems[0]).toContain(`${file("vpc_v.v1.json")} is not used: `);
  });

  it("is not taken from a folder of another host", async () => {
    await snapshot("other").save([HOSTS, own("other")]);
    expect(await idsOf(snapshot())).toEqual(["hosts"]);
    expect(problems).toEqual([expect.stringContaining("it is of host other, and this is h")]);
  });

  it("is closed to others where its keys were open to them, which is said, and used", async () => {
    await snapshot().save([vpc()]);
    chmodSync(file("vpc_v.v1.json"), 0o644);
    expect(await idsOf(snapshot())).toEqual(["vpc/v"]);
    expect(problems).toEqual([expect.stringContaining("was open to others (mode 644)")]);
    expect(statSync(file("vpc_v.v1.json")).mode & 0o777).toBe(0o600);
  });

  it("makes no path of an id that is none", async () => {
    await expect(snapshot().save([{ ...HOSTS, id: "vpc/../../etc" as SliceId }])).rejects.toThrow("no slice's id");
  });
});

describe("on a full disk", () => {
  it("keeps the last whole slice, and saves the next when there is room again", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", dir]);
    try {
      const plan = snapshot();
      await plan.load();
      await plan.save([HOSTS, vpc(1)]);
      await expect(plan.save([vpc(2000)])).rejects.toThrow("ENOSPC");
      expect(await snapshot().load()).toContainEqual(vpc(1));
      execFileSync("mount", ["-o", "remount,size=1m", dir]);
      await plan.save([vpc(2000)]);
      expect(await snapshot().load()).toContainEqual(vpc(2000));
      expect(problems).toEqual([]);
    } finally {
      execFileSync("umount", [dir]);
    }
  });
});
