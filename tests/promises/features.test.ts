import {
  DEFAULT_LIMITS,
  type Entries,
  type Facts,
  KEY_TEXT,
  type LinkFact,
  lower,
  TABLE_NAMES,
  type TableName,
} from "@onehop/agent/lower/index";
import { compileAll, type LearningFacts } from "@onehop/controller/compile/index";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { describe, expect, it } from "vitest";

interface Switches {
  readonly learning: boolean;
  readonly peers: boolean;
  readonly allowed: boolean;
  readonly routes: boolean;
  readonly limits: boolean;
}
const ALL_ON: Switches = { learning: true, peers: true, allowed: true, routes: true, limits: true };

const LEARNED: LearningFacts = {
  epoch: 1,
  keyOf: () => ({ version: 1, current: "ab".repeat(16) }),
  stageOf: () => "learned",
  inSync: () => true,
};
/** The same VPC before it learns: its ports are pushed. */
const PUSHED: LearningFacts = { ...LEARNED, keyOf: () => undefined, stageOf: () => "pushed" };

/** Entries of a host of a region with everything in it, but for the features that are off. */
function entriesWith(on: Switches): Entries {
  const make = new IntentBuilder();
  const hosts = [1, 2, 3, 4].map((number) =>
    make.host({ number, tunnel_address: `192.0.2.${number}`, roles: number > 2 ? ["hub"] : ["compute"] }),
  );
  const vpc = make.vpc({ cidrs: ["10.0.0.0/16"], vni: 5000 });
  const network = make.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
  const guest = (n: number, host: number, more: { allowed_addresses?: string[] } = {}) =>
    make.port(network, {
      addresses: [`10.0.1.${n}`],
      mac: `0a:00:00:00:00:0${n}`,
      host_id: hosts[host - 1]!.id,
      device: { kind: "adopt", name: `tap${n}` },
      ...more,
    });
  guest(5, 1, on.allowed ? { allowed_addresses: ["172.16.0.0/12"] } : {});
  guest(6, 2);
  if (on.routes) make.route(vpc, { destination: "172.20.0.0/16", next_hop: "10.0.1.6" });
  if (on.peers) make.host({ kind: "vxlan-peer", number: 9, tunnel_address: "192.0.2.9" });
  const plan = compileAll(make.build(), on.learning ? LEARNED : PUSHED).get(hosts[0]!.id)!;
  const hop = { uplink: 2, next_hop: "198.18.1.0" };
  const link = (name: string, ifindex: number, kind: LinkFact["kind"]): LinkFact => ({
    ...{ name, ifindex, kind },
    ...{ mtu: 1550, up: true },
  });
  const facts: Facts = {
    links: new Map([
      ["tap5", link("tap5", 7, "tap")],
      ["up0", link("up0", 2, "other")],
    ]),
    uplinks: ["up0"],
    underlayMtu: 1550,
    nextHops: new Map([2, 3, 4, 9].map((n) => [`192.0.2.${n}`, hop])),
    slots: new Map(
      [...plan.values()].flatMap((s) => (s.type === "network" ? s.ports : [])).map(({ id }, i) => [id, i]),
    ),
    limits: on.limits ? DEFAULT_LIMITS : {},
  };
  return lower(plan, facts)!.entries;
}

/** What differs between two hosts' entries: `table`, or `table.field` where the same rows say something else. */
function changes(before: Entries, after: Entries): string[] {
  const found = new Set<string>();
  for (const name of TABLE_NAMES) for (const what of changesOf(name, before, after)) found.add(what);
  return [...found].sort();
}

function changesOf(name: TableName, before: Entries, after: Entries): string[] {
  const text = KEY_TEXT[name] as (key: unknown) => string;
  const rows = (entries: Entries) =>
    new Map([...entries[name].rows.values()].map(([key, value]) => [text(key), value as unknown as object]));
  const [was, is] = [rows(before), rows(after)];
  const keys = new Set([...was.keys(), ...is.keys()]);
  return [...keys].flatMap((key) => {
    const [a, b] = [was.get(key), is.get(key)];
    if (!a || !b) return [name];
    const fields = Object.keys(a) as (keyof typeof a)[];
    return fields.filter((f) => JSON.stringify(a[f]) !== JSON.stringify(b[f])).map((f) => `${name}.${f}`);
  });
}

describe("D8: a feature is a module, with rows and a switch of its own:", () => {
  const whole = entriesWith(ALL_ON);

  it.each<[keyof Switches, readonly string[]]>([
    ["learning", ["endpoints.learns", "rosters", "vpc_keys", "vpc_rules"]],
    ["peers", ["hosts", "tunnels"]],
    ["allowed", ["allowed", "endpoints.has_allowed"]],
    ["routes", ["routes"]],
    ["limits", ["class_limits"]],
  ])("without %s a host's entries are the same but for its own", (feature, own) => {
    const without = entriesWith({ ...ALL_ON, [feature]: false });
    expect(changes(whole, without)).toEqual(own);
    expect(changes(whole, entriesWith(ALL_ON))).toEqual([]);
  });
});
