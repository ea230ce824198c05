import type { Intent } from "@onehop/core";
import { keys } from "@onehop/store";
import { describe, expect, it } from "vitest";
import { indexed, Plans, type Stage } from "../src/compile/index.ts";
import { Facts } from "../src/learning/facts.ts";
import { Reports } from "../src/realise/reports.ts";
import { stateOf } from "../src/realise/status.ts";
import { BASE, set } from "./states.ts";

const { intent, h1, h2, vpc, b1 } = BASE;
const hub = (n: number) => ({ ...h1, id: `hub-${n}`, name: `hub-${n}`, number: n, roles: ["hub" as const] });
const HUBS = [hub(8), hub(9)];
const all = { ...intent, hosts: new Map([...intent.hosts, ...HUBS.map((h) => [h.id, h] as const)]) };

function region(stage: Stage, from: Intent = all) {
  const reports = new Reports();
  const facts = new Facts(reports);
  const key = JSON.stringify({ version: 1, current: "ab".repeat(16), stage });
  facts.listKeys([...from.vpcs.keys()].map((id) => ({ key: keys.vpcKey(id), value: key })));
  const view = indexed(from, facts);
  const plans = new Plans(view);
  /** The host has what is planned; of what is named, an older content. */
  const report = (hostId: string, old: readonly string[] = []) => {
    const own = plans.slice(`host/${hostId}`)?.body;
    if (own?.type !== "host") throw new Error(`${hostId} has no plan`);
    const applied = own.slices.map((id) => {
      const hash = old.includes(id) ? "older" : plans.slice(id)?.hash;
      return { id, epoch: 1, generation: 1, hash };
    });
    const text = JSON.stringify({ type: "report", applied, degraded: [], whole: true, hub_of: own.hub_of ?? [] });
    reports.apply(keys.report(hostId), text);
    plans.followSync(facts.reported([hostId]));
  };
  const die = (hostId: string) => {
    reports.apply(keys.report(hostId), undefined);
    plans.followSync(facts.reported([hostId]));
  };
  /** Hubs first: with them the VPC's slice is another. */
  const reportAll = () => {
    for (let i = 0; i < 2; i++) for (const { id } of [...HUBS, h1, h2]) report(id);
  };
  const known = { view, plans, reports };
  return {
    report,
    reportAll,
    die,
    port: () => stateOf("port", b1, known).state,
    vpc: () => stateOf("vpc", vpc, known),
  };
}

describe("a port of a VPC that learns", () => {
  it("is realised only when all live hubs of its VPC have it, and a dead hub is not waited for", () => {
    const r = region("learned");
    r.reportAll();
    expect(r.port()).toBe("realised");
    r.report("hub-9", [`network/${b1.network_id}`]);
    expect(r.port()).toBe("pending");
    r.die("hub-9");
    r.report(h1.id);
    r.report(h2.id);
    r.report("hub-8");
    expect(r.port()).toBe("realised");
  });

  it("stays realised when a host dies that serves other networks only", () => {
    const r = region("learned");
    r.reportAll();
    r.die(h2.id);
    expect(r.port()).toBe("realised");
  });
});

describe("a VPC whose hubs came lately", () => {
  it("is pending until it learns, and realised where none of them lives: its ports are pushed", () => {
    for (const stage of ["pushed", "both"] as const) {
      const r = region(stage);
      r.reportAll();
      expect(r.vpc().state).toBe("pending");
    }
    const r = region("pushed");
    for (const id of [h1.id, h2.id]) r.report(id);
    expect(r.vpc().state).toBe("realised");
  });

  it("is realised when it learns, and degraded when all its hubs are dead", () => {
    const r = region("learned");
    r.reportAll();
    expect(r.vpc().state).toBe("realised");
    for (const { id } of HUBS) r.die(id);
    expect(r.vpc()).toMatchObject({ state: "degraded", reason: "None of its VPC's hubs has the whole table." });
    expect(region("learned", set(all, "hosts", "hub-8", { roles: ["compute"] })).vpc().state).not.toBe("realised");
  });
});
