import { packet } from "@onehop/core";
import { ALL_PUSHED, type Outcome } from "@onehop/model";
import { Random } from "../topologies/random.ts";
import { randomTopology, type Topology } from "../topologies/topology.ts";
import { compare } from "./compare.ts";
import { GUEST_RECIPES, type Recipe } from "./guest_recipes.ts";
import { Region } from "./region.ts";
import { type Case, runnable, Scene } from "./scene.ts";
import { UPLINK_RECIPES } from "./uplink_recipes.ts";

export interface Options {
  readonly seed: number;
  readonly topologies: number;
  /** Packets tried in each topology. */
  readonly packets: number;
}

export interface Report {
  readonly packets: number;
  /** How often each thing happened: `reason ttl`, `class arp`, `case routed/cross-host`, `path route wire`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Ready to print: seed, packet, differences by field; the first with its topology. One of each sort, at most ten. */
  readonly differences: readonly string[];
}

/** Bytes of the underlay's packet that the tunnel takes: outer IPv4, UDP, VXLAN and inner Ethernet headers. */
export const OVERHEAD = 50;
const RECIPES = [...Object.entries(GUEST_RECIPES), ...Object.entries(UPLINK_RECIPES)];

/** Random topologies and packets through the model and the real programs. The seed says all of it; ends with the topology that shows a difference. */
export function differential(options: Options): Report {
  const random = new Random(options.seed);
  const counts = new Map<string, number>();
  const differences = new Map<string, string>();
  let region: Region | undefined;
  let packets = 0;
  try {
    for (let t = 0; t < options.topologies && differences.size === 0; t++) {
      const topology = randomTopology(random);
      const { intent } = topology;
      const mtu = random.pick([1400, 1450, 1500, 1950]);
      region ??= new Region([...intent.hosts.values()].filter((h) => h.kind === "onehop"));
      region.apply(intent, mtu + OVERHEAD);
      for (const c of cases(new Scene(intent, random, mtu), RECIPES, options.packets)) {
        const { outcome, lines } = compare(intent, region, c, { mtu, known: ALL_PUSHED });
        packets++;
        for (const key of keysOf(topology, c, outcome)) counts.set(key, (counts.get(key) ?? 0) + 1);
        const sort = `${c.recipe} ${lines.map((line) => line.split(":")[0])}`;
        if (lines.length > 0 && differences.size < 10 && !differences.has(sort))
          differences.set(sort, shown(options.seed, c, lines) + (differences.size === 0 ? `\n${topology.text}` : ""));
      }
    }
  } finally {
    region?.close();
  }
  return { packets, counts, differences: [...differences.values()] };
}

/** The recipes in turn, so that each has its share whatever the seed. */
export function* cases(scene: Scene, recipes: readonly (readonly [string, Recipe])[], count: number): Generator<Case> {
  let made = 0;
  for (let turn = 0; made < count; turn++) {
    const [, recipe] = recipes[turn % recipes.length]!;
    const c = recipe(scene);
    if (!c || !runnable(c.frame)) continue;
    made++;
    yield c;
  }
}

export function keysOf({ intent }: Pick<Topology, "intent">, c: Case, o: Outcome): string[] {
  const keys = [
    `class ${o.class}`,
    `result ${o.result.kind}`,
    `recipe ${c.recipe}`,
    `path ${o.path.join(" ") || "none"}`,
  ];
  if (o.result.kind === "dropped") keys.push(`reason ${o.result.reason}`);
  if (o.result.kind !== "delivered" || c.at !== "guest") return keys;
  const [from, to] = [intent.ports.get(c.port), intent.ports.get(o.result.port)];
  // As seen by the packet: within its network, or over the gateway.
  const reach = o.path[0] === "switch" ? "same-net" : "routed";
  return [...keys, `case ${reach}/${from?.host_id === to?.host_id ? "same-host" : "cross-host"}`];
}

export function shown(seed: number, c: Case, lines: readonly string[]): string {
  const where = c.at === "guest" ? `port ${c.port}` : `uplink of host ${c.host}`;
  return [
    `seed ${seed} (ONEHOP_SEED=${seed} repeats it), recipe ${c.recipe}, ${where}`,
    `  ${packet.describe(c.frame)}`,
    `  ${packet.hex(c.frame)}`,
    ...lines.map((line) => `  ${line}`),
  ].join("\n");
}
