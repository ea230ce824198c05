import { packet } from "@onehop/core";
import type { LearnFigure } from "../figure.ts";
import { quantile, quantiles } from "../quantiles.ts";
import type { Findings } from "../result.ts";
import { type Round, type Seen, talk } from "./pairs.ts";
import type { Message, Relay } from "./wire.ts";
import { grown, HUBS, inWorld, type PlainWorld } from "./world.ts";

/** Datagrams of each pair: enough to see what comes after the second. */
const COUNT = 4;
/** Of the questions: more than one a pair where the machine stood still for 10 ms. */
const SOME_MORE = 1.01;
const MOST_HUB_HOPS = 2;

/** New pairs, each new at both of its hosts: as many as there are addresses, squared. */
export const firstPackets: LearnFigure = {
  name: "first",
  measure: ({ quick, progress }) => {
    const addresses = quick ? 32 : 100;
    return inWorld(addresses, progress, async (world) => {
      progress(`First packets: ${addresses * addresses} new pairs`);
      const found = await measureFirst(world, addresses);
      progress("The same with no controller, and agents started anew");
      return { ...found, promises: { ...found.promises, D10: await learnsAlone(world) } };
    });
  },
};

export async function measureFirst(world: PlainWorld, rounds: number): Promise<Findings> {
  const dropsBefore = world.drops();
  const seen = await talk(world, { rounds, count: COUNT });
  const drops = grown(dropsBefore, world.drops());
  const ways = [wayOf(world, seen.h1, ["h1", "h2"]), wayOf(world, seen.h2, ["h2", "h1"])];
  const until = quantiles(ways.flatMap((way) => way.until));
  const pairs = total(seen.rounds, "pairs");
  if (ways.some((way) => way.until.length !== pairs)) throw new Error("The captures do not show all pairs.");
  const loss = total(seen.rounds, "first_lost");
  const messages = [...seen.h1, ...seen.h2].filter((s) => s.kind === "message");
  const asks = ways.reduce((sum, way) => sum + way.asks, 0);
  const all = (test: (way: Way) => boolean): boolean => ways.every(test);
  const teach = teachTimes(seen, world);
  return {
    first_packet_loss: loss,
    packets_until_direct: until,
    teach_us: quantiles(teach),
    promises: {
      Q14: all((way) => way.astray === 0),
      Q29: loss === 0 && all((way) => way.hubHops <= MOST_HUB_HOPS),
      Q30: until.p99 <= 2 && asks <= 2 * pairs * SOME_MORE,
      Q32: isTimed(seen.rounds, pairs),
      Q34: messages.length > 0 && messages.every((m) => isGenuine(world, m)),
    },
    details: {
      pairs,
      ...{
        datagrams: total(seen.rounds, "sent"),
        lost: total(seen.rounds, "lost"),
        drops,
        asks,
        lessons: teach.length,
      },
      never_direct: ways.flatMap((way) => way.until).filter((n) => n > COUNT).length,
      until_direct: ways.map((way) => counts(way.until)),
      /** Q32: slower at first, faster with use. */
      rtt_us: { first: rtt(seen.rounds, "first_us"), steady: rtt(seen.rounds, "last_us") },
      teach_us_p10: quantile(teach, 0.1),
    },
  };
}

/** D10: with the controllers gone and agents started anew, new pairs are delivered and learned all the same. */
export async function learnsAlone(world: PlainWorld): Promise<boolean> {
  const { lab } = world;
  await lab.controller?.kill();
  for (const { name } of lab.hosts) await lab.agents.get(name)?.kill();
  for (const { name } of lab.hosts) await lab.startAgent(name);
  const { rounds, h1 } = await talk(world, { rounds: 1, count: COUNT });
  const { until } = wayOf(world, h1, ["h1", "h2"]);
  return total(rounds, "lost") === 0 && until.length === total(rounds, "pairs") && quantile(until, 0.99) <= 2;
}

const total = (rounds: readonly Round[], field: "pairs" | "sent" | "lost" | "first_lost"): number =>
  rounds.reduce((sum, round) => sum + round[field], 0);

const rtt = (rounds: readonly Round[], field: "first_us" | "last_us") =>
  quantiles(rounds.flatMap((round) => round[field]).filter((us) => us > 0));

/** Q32: of every pair there is a first round trip and a steady one, each of its own time. */
const isTimed = (rounds: readonly Round[], pairs: number): boolean =>
  (["first_us", "last_us"] as const).every(
    (field) => rounds.flatMap((round) => round[field]).filter((us) => us > 0).length === pairs,
  );

/** How often each value is there. */
function counts(values: readonly number[]): Record<number, number> {
  const found: Record<number, number> = {};
  for (const value of values) found[value] = (found[value] ?? 0) + 1;
  return found;
}

/** What one direction's packets did, by the wire. */
interface Way {
  /** Of each pair, the number of the first packet that went straight; one more than there are where none did. */
  readonly until: readonly number[];
  /** First packets that did not leave exactly once and to a hub. */
  readonly astray: number;
  /** Most hubs that a delivered first packet passed. */
  readonly hubHops: number;
  /** Questions to hubs. */
  readonly asks: number;
}

function wayOf(world: PlainWorld, seen: readonly (Relay | Message)[], [from, to]: readonly [string, string]): Way {
  const [own, peer] = [world.tunnel(from), world.tunnel(to)];
  const hubs = HUBS.map((hub) => world.tunnel(hub));
  const left = pairsOf(seen.filter((s) => s.from === own));
  const came = seen.filter((s) => s.kind === "packet" && s.from !== own && s.number === 0) as Relay[];
  const isDirect = (s: Relay): boolean => s.relayed === 0 && s.to === peer;
  const isByHub = (s: Relay): boolean => s.relayed === 0x80 && hubs.includes(s.to);
  const firsts = left.map((pair) => pair.filter((s) => s.number === 0));
  return {
    until: left.map((pair) => (pair.find(isDirect)?.number ?? COUNT) + 1),
    astray: firsts.filter((copies) => copies.length !== 1 || !isByHub(copies[0]!)).length,
    hubHops: Math.max(0, ...came.map((s) => s.relayed & 0x7f)),
    asks: seen.filter((s) => isQuestion(s) && s.from === own && hubs.includes(s.to)).length,
  };
}

/** Not a probe, which names no address. */
const isQuestion = (s: Relay | Message): boolean =>
  s.kind === "message" && s.message?.kind === "ask" && s.message.address !== undefined;

function pairsOf(seen: readonly (Relay | Message)[]): Relay[][] {
  const pairs = new Map<string, Relay[]>();
  for (const s of seen) {
    if (s.kind !== "packet" || s.number === undefined) continue;
    const key = `${s.source} ${s.destination}`;
    const pair = pairs.get(key) ?? [];
    pairs.set(key, pair);
    pair.push(s);
  }
  return [...pairs.values()];
}

/** From each question's arrival at a teacher's uplink to its answer's leaving by it, us. */
function teachTimes({ h1, h2 }: Seen, world: PlainWorld): number[] {
  return [[h1, "h1"] as const, [h2, "h2"] as const].flatMap(([seen, host]) => {
    const own = world.tunnel(host);
    const came = new Map<bigint, bigint>();
    const times: number[] = [];
    for (const s of seen) {
      if (s.kind !== "message" || s.message?.address === undefined) continue;
      const { kind, nonce } = s.message;
      if (kind === "ask" && s.to === own) came.set(nonce, s.ns);
      const asked = came.get(nonce);
      if (kind === "teach" && s.from === own && asked !== undefined) times.push(Number(s.ns - asked) / 1000);
    }
    return times;
  });
}

/** Of the format's version, and signed with the VPC's key. */
function isGenuine(world: PlainWorld, { message, payload }: Message): boolean {
  if (!message) return false;
  const keys = world.kernel("h1").maps.vpc_keys.get({ vpc: message.vpc });
  const tag = new DataView(payload.buffer, payload.byteOffset).getBigUint64(80, true);
  return keys !== undefined && packet.tagOf(payload, keys.current) === tag;
}
