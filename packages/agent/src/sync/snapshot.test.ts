import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SliceEnvelope, SliceId } from "@onehop/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Snapshot } from "./snapshot.ts";

const slice = (id: SliceId): SliceEnvelope => ({
  id,
  epoch: 1,
  generation: 2,
  hash: "x",
  body: { type: "hosts", hosts: [] },
});

let dir: string;
let problems: unknown[];
const snapshot = () => new Snapshot({ stateDir: dir, onError: (error) => problems.push(error) });
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "onehop-snapshot-"));
  problems = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("the plan on disk", () => {
  it("comes back as it was saved, without what was forgotten, readable by root only", async () => {
    const first = snapshot();
    expect(await first.load()).toEqual([]);
    await first.save([slice("hosts"), slice("vpc/v"), slice("network/n")]);
    await first.forget(["network/n"]);
    expect((await snapshot().load()).map((s) => s.id).sort()).toEqual(["hosts", "vpc/v"]);
    for (const name of readdirSync(join(dir, "plan")))
      expect(statSync(join(dir, "plan", name)).mode & 0o777).toBe(0o600);
  });

  it("passes over a file that was cut short, and says so", async () => {
    const first = snapshot();
    await first.load();
    await first.save([slice("hosts"), slice("vpc/v")]);
    writeFileSync(join(dir, "plan", "vpc_v.v1.json"), '{"id":"vp');
    expect((await snapshot().load()).map((s) => s.id)).toEqual(["hosts"]);
    expect(problems).toHaveLength(1);
  });

  it("makes no path of an id that is none", async () => {
    await snapshot().load();
    await expect(snapshot().save([slice("vpc/../../etc" as SliceId)])).rejects.toThrow("no slice's id");
  });
});
