import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type LabOptions, run } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Operator } from "./operator.ts";

const REGIONS: readonly [string, LabOptions][] = [
  ["no hubs", {}],
  ["two hubs", { hosts: 5, hubs: 2 }],
];
/** Maps of small things that every host has of a VPC that it serves, and those that its hubs have. */
const SERVED = ["allowed", "destinations", "endpoints", "macs", "routes", "vnis"];
const LEARNED = ["confirmed", "learned", "learned_use", "rosters", "vouched", "vpc_asks", "vpc_keys", "vpc_rules"];
const AT_A_HUB = ["destinations", "hub_sources", "moved", "routes", "vnis", "vpc_keys", "vpc_rules"];

const document = (n: number, host: string): object[] => [
  { kind: "Network", metadata: { name: `n${n}`, project: "blue", vpc: "small" }, spec: { cidr: `10.50.${n}.0/24` } },
  {
    kind: "Port",
    metadata: { name: `s-${n}`, project: "blue", vpc: "small", network: `n${n}` },
    spec: {
      addresses: [`10.50.${n}.9`],
      allowed_addresses: [`10.77.${n}.0/24`],
      host,
      device: { kind: "veth", namespace: `small-${n}` },
    },
  },
];
const SMALL = [
  { kind: "Vpc", metadata: { name: "small", project: "blue" }, spec: { cidrs: ["10.50.0.0/16"] } },
  ...[document(1, "h1"), document(2, "h2"), document(3, "h1")].flat(),
];

type Row = { readonly formatted?: { readonly key: unknown; readonly value?: unknown; readonly values?: unknown } };

/** Whether a key or a value has one of the numbers in a field that names a VPC or a network. */
function names(part: unknown, numbers: readonly unknown[]): boolean {
  if (typeof part !== "object" || part === null) return false;
  return Object.entries(part).some(
    ([field, value]) => (/^(vpc|network|vni)$/.test(field) && numbers.includes(value)) || names(value, numbers),
  );
}

describe.each(REGIONS)("Where there are %s:", (_, region) => {
  let operator: Operator;
  beforeAll(async () => {
    operator = await Operator.at(region);
    await operator.lab.apply(SMALL.map((d) => JSON.stringify({ apiVersion: "onehop/v1", ...d })).join("\n---\n"));
    await operator.lab.realised();
  }, 120_000);
  afterAll(() => operator?.close());

  /** All pinned maps of a host that have something about the VPC, by bpftool. `allowed` names slots: any entry counts. */
  async function mapsAbout(host: string, numbers: readonly unknown[]): Promise<string[]> {
    const pins = operator.lab.files.pins(host);
    const files = readdirSync(pins).filter((file) => /_v\d+$/.test(file) && !file.startsWith("events_"));
    expect(files.length).toBeGreaterThan(30);
    const about = await Promise.all(
      files.map(async (file) => {
        const rows = JSON.parse(await run(["bpftool", "-j", "map", "dump", "pinned", join(pins, file)])) as Row[];
        const name = file.replace(/_v\d+$/, "");
        return rows.some((r) => name === "allowed" || names(r.formatted, numbers)) ? [name] : [];
      }),
    );
    return about.flat().sort();
  }

  test("D15: a host without a port of a VPC has 0 entries about it in any map, counted by bpftool.", async () => {
    const { client } = operator.lab;
    const [vpc] = await client.list("vpcs", { name: "small" });
    const networks = (await client.list("networks")).filter((n) => n.vpc_id === vpc!.id);
    const numbers = [vpc!.vni, ...networks.map((n) => n.vni)];
    expect(numbers).toHaveLength(4);
    const [from, to] = [operator.lab.namespaceOf("small-1"), "10.50.2.9"];
    expect(await ping({ namespace: from, to, count: 5 })).toMatchObject({ received: 5 });
    // Hubs remember where a guest was that moved.
    const [moving] = await client.list("ports", { name: "s-3" });
    const [h2] = await client.list("hosts", { name: "h2" });
    const device = { kind: "veth" as const, namespace: operator.lab.namespaceOf("small-3-at-h2") };
    await client.patch("ports", moving!.id, { host_id: h2!.id, device });
    await operator.lab.realised();

    const wanted = [...SERVED, ...(region.hubs ? LEARNED : [])];
    // Which entries there are is up to the agent and to packets: some come a moment later.
    const lacking = async () => {
      await ping({ namespace: from, to, count: 1 });
      const about = await mapsAbout("h1", numbers);
      return wanted.filter((name) => !about.includes(name));
    };
    await expect.poll(lacking, { timeout: 10_000 }).toEqual([]);
    for (const hub of region.hubs ? ["h4", "h5"] : [])
      expect(await mapsAbout(hub, numbers)).toEqual(expect.arrayContaining(AT_A_HUB));
    expect(await mapsAbout("h3", numbers)).toEqual([]);
  });
});
