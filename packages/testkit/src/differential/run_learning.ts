import { packet } from "@onehop/core";
import { ALL_PUSHED, predict, type Result } from "@onehop/model";
import { Random } from "../topologies/random.ts";
import { learningTopology } from "../topologies/topology.ts";
import { askAlong } from "./ask_along.ts";
import { compare, type Walk } from "./compare.ts";
import { GUEST_RECIPES } from "./guest_recipes.ts";
import { Memory } from "./memory.ts";
import { MOMENTS, type Moment, momentOf } from "./moments.ts";
import { Region } from "./region.ts";
import { RELAY_RECIPES } from "./relay_recipes.ts";
import { cases, keysOf, type Options, OVERHEAD, type Report, shown } from "./run.ts";
import { type Case, Scene } from "./scene.ts";
import { UPLINK_RECIPES } from "./uplink_recipes.ts";

/** What crosses hosts by routing: learning touches nothing else, and the rest is tried where everything is pushed. */
const NAMES = [
  ...[
    "route_remote",
    "route_remote",
    "route_remote",
    "route_remote",
    "via",
    "via",
    "ranges",
    "anywhere",
    "route_local",
  ],
  ...[
    "route_remote",
    "route_remote",
    "route_remote",
    "route_remote",
    "via",
    "via",
    "route_peer",
    "echo",
    "switch_remote",
  ],
  ...["no_route", "itself", "ttl", "too_big_remote", "syn", "icmp_error", "arp_port", "fuzzed_head", "fuzzed_body"],
  ...["first_fragment", "later_fragment"],
];
const RECIPES = [
  ...NAMES.map((name) => [name, GUEST_RECIPES[name]!] as const),
  ...Object.entries(RELAY_RECIPES),
  ...["overlay_good", "router_mac", "elsewhere", "behind_route", "peer_routed"].map(
    (name) => [name, UPLINK_RECIPES[name]!] as const,
  ),
];

/** As `differential`, in regions with hubs: each topology at every moment, each packet and all questions beside it to their end. */
export function learningDifferential(options: Options): Report {
  const random = new Random(options.seed);
  const counts = new Map<string, number>();
  const differences = new Map<string, string>();
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  let region: Region | undefined;
  let packets = 0;
  try {
    for (let t = 0; t < options.topologies && differences.size === 0; t++) {
      const topology = learningTopology(random);
      region ??= new Region([...topology.intent.hosts.values()].filter((h) => h.kind === "onehop"));
      for (const name of MOMENTS) {
        const moment = momentOf(name, topology, random);
        const mtu = random.pick([1400, 1450, 1500, 1950]);
        region.apply(moment.intent, mtu + OVERHEAD, {}, moment);
        const trial = new Trial(region, moment, mtu);
        const scene = new Scene(moment.intent, random, mtu);
        for (const c of cases(scene, RECIPES, Math.ceil(options.packets / MOMENTS.length))) {
          const { walk, ends } = trial.run(c);
          packets++;
          for (const key of [
            ...keysOf(moment, c, walk.outcome),
            ...ends.map((end) => `answer ${end}`),
            `moment ${name}`,
          ])
            count(key);
          const sort = `${name} ${c.recipe} ${walk.lines.map((line) => line.split(":")[0])}`;
          if (walk.lines.length > 0 && differences.size < 10 && !differences.has(sort))
            differences.set(
              sort,
              `${name}: ${shown(options.seed, c, walk.lines)}${differences.size === 0 ? `\n${topology.text}` : ""}`,
            );
        }
      }
    }
  } finally {
    region?.close();
  }
  return { packets, counts, differences: [...differences.values()] };
}

interface Tried {
  readonly walk: Walk;
  readonly ends: readonly string[];
}

/** Packets at one moment. */
class Trial {
  readonly #region: Region;
  readonly #moment: Moment;
  readonly #mtu: number;
  readonly #memory: Memory;

  constructor(region: Region, moment: Moment, mtu: number) {
    this.#region = region;
    this.#moment = moment;
    this.#mtu = mtu;
    this.#memory = new Memory(region, moment);
    this.#memory.write();
  }

  run(c: Case): Tried {
    const { intent, known } = this.#moment;
    const host = c.at === "guest" ? intent.ports.get(c.port)!.host_id! : c.host;
    this.#memory.hear(host);
    const walk = compare(intent, this.#region, c, { mtu: this.#mtu, known });
    if (c.at === "uplink" || walk.lines.length > 0) return { walk, ends: [] };
    const { vpc_id } = intent.ports.get(c.port)!;
    const asking = { intent, region: this.#region, known, sender: c.port, frame: c.frame };
    const { lines, ends } = askAlong(asking, walk.outcome, walk.hops[0]!);
    const about = walk.outcome.question?.message.address;
    if (about !== undefined) this.#memory.forget(host, intent.vpcs.get(vpc_id)!.vni, about);
    return { walk: { ...walk, lines: [...lines, ...this.#unlikePushed(c, walk)] }, ends };
  }

  /** The outcome is the same by a hub and straight, wherever there is a hub that knows all. */
  #unlikePushed(c: Case & { readonly at: "guest" }, { outcome: { result } }: Walk): string[] {
    if (this.#moment.name === "no_hub" || this.#moment.name === "doubtful") return [];
    const pushed = predict(this.#moment.intent, c.port, c.frame, { mtu: this.#mtu, known: ALL_PUSHED }).result;
    if (pushed.kind === "answered" && result.kind !== "answered") return this.#unlikeGateway(c, pushed.frame, result);
    if (pushed.kind !== result.kind) return [`outcome: ${pushed.kind} where all is pushed, ${result.kind} here`];
    if (pushed.kind !== "delivered" || result.kind !== "delivered") return [];
    return pushed.port === result.port && Buffer.compare(pushed.frame, result.frame) === 0
      ? []
      : ["outcome: delivered otherwise than where all is pushed"];
  }

  /** A gateway of a network that the sender's host has no port of is any hub: it must be got to, and get back. */
  #unlikeGateway(c: Case & { readonly at: "guest" }, reply: Uint8Array, result: Result): string[] {
    if (result.kind === "delivered" && result.port === c.port)
      return packet.diffFrames(reply, result.frame).map((line) => `gateway's answer: ${line}`);
    const [, ip] = packet.decode(c.frame);
    const port = this.#moment.intent.ports.get(c.port)!;
    const isOwn = ip?.kind === "ipv4" && port.addresses.includes(ip.src);
    const got = result.kind === "dropped" ? result.reason : result.kind;
    // To a source that is no port's address the answer finds its way by routes, or none.
    return got === "ttl" || got === "too_big" || !isOwn ? [] : [`gateway's answer: ${got}`];
  }
}
