import { setTimeout as delay } from "node:timers/promises";
import type { DestinationKey } from "@onehop/datapath";
import { inNamespace, until } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";
import { CPU } from "../../figures/processors.ts";
import { rounded } from "../../report/statistics.ts";
import { serve } from "../../tools.ts";
import type { LearnFigure } from "../figure.ts";
import { quantile, quantiles } from "../quantiles.ts";
import type { Findings } from "../result.ts";
import { Capture, RELAYED } from "./capture.ts";
import { WallClock } from "./clock.ts";
import { type Message, type Relay, read } from "./wire.ts";
import { grown, HUBS, inWorld, type PlainWorld } from "./world.ts";

/** Between an entry's return and its next deletion, ms. */
const APART = 25;

export const bulkStream: LearnFigure = {
  name: "stream",
  measure: ({ quick, progress }) =>
    inWorld(1, progress, (world) => {
      const times = quick ? 200 : 1000;
      progress(`A bulk TCP stream loses its entry ${times} times`);
      return measureStream(world, times);
    }),
};

export async function measureStream(world: PlainWorld, times: number): Promise<Findings> {
  // The control: the same stream with its entry left alone.
  let byHub = 0;
  const control = await during(world, async () => {
    await entryOf(world);
    byHub = await hubTraffic(world, () => delay(Math.min(times * APART, 5_000)));
  });
  const before = { ...world.drops(), ...world.outcomes() };
  const capture = await Capture.start(world.lab.host("h1").namespace, "up0", RELAYED);
  let deletions: readonly bigint[] = [];
  const stream = await during(world, async () => {
    deletions = await deleteAgainAndAgain(world, times);
  });
  const seen = (await capture.end()).map(read);
  const own = world.tunnel("h1");
  const relayed = seen.filter((s) => s.kind === "packet" && s.from === own);
  const all = deletions.map((at, i) => recovery(seen, { own, at, until: deletions[i + 1] ?? END_OF_TIME }));
  const took = all.map((r) => r.took);
  const sinceDeletion = all.map((r) => r.waited + r.took);
  return {
    tcp_relearn_ms: { ...quantiles(took), max: quantile(took, 1) },
    promises: { Q26: byHub === 0 },
    details: {
      ...{
        times,
        control_by_hub: byHub,
        relayed: relayed.length,
        since_deletion_ms: { ...quantiles(sinceDeletion), max: quantile(sinceDeletion, 1) },
        stream,
        control,
      },
      grown: grown(before, { ...world.drops(), ...world.outcomes() }),
    },
  };
}

interface StreamResult {
  readonly gbps: number;
  readonly retransmits_a_second: number;
  /** Packets that devices had no room for. */
  readonly overflows: number;
}

/** What came of a bulk stream while something was done. */
async function during(world: PlainWorld, work: () => Promise<unknown>): Promise<StreamResult> {
  const before = await world.overflows();
  const stream = await Bulk.start(world);
  await work();
  const result = await stream.stop();
  return { ...result, overflows: (await world.overflows()) - before };
}

const END_OF_TIME = 2n ** 63n;

/** Encapsulated packets to and from hubs meanwhile. */
async function hubTraffic(world: PlainWorld, work: () => Promise<unknown>): Promise<number> {
  const hubs = HUBS.map((hub) => `host ${world.tunnel(hub)}`).join(" or ");
  const filter = `udp dst port 4789 and (${hubs})`;
  const capture = await Capture.start(world.lab.fabric.namespace, "any", filter);
  await work();
  return (await capture.end()).length;
}

/** What h1 learned of the stream's other end, once it has. */
function entryOf(world: PlainWorld): Promise<DestinationKey> {
  const { learned } = world.kernel("h1").maps;
  const address = world.addresses(2)[0]!;
  return until("the stream to be learned", () => [...learned.keys()].find((key) => key.address === address));
}

/** The times of the deletions, in nanoseconds of the wall clock. */
async function deleteAgainAndAgain(world: PlainWorld, times: number): Promise<bigint[]> {
  const { learned } = world.kernel("h1").maps;
  const key = await entryOf(world);
  const clock = new WallClock();
  const deletions: bigint[] = [];
  for (let n = 0; n < times; n++) {
    clock.adjust();
    deletions.push(clock.now());
    learned.delete(key);
    for (const end = performance.now() + 2_000; learned.get(key) === undefined; await delay(1))
      if (performance.now() > end) throw new Error("An entry did not come back within 2 s.");
    await delay(APART);
  }
  return deletions;
}

interface Window {
  readonly own: string;
  readonly at: bigint;
  readonly until: bigint;
}

interface Recovery {
  /** From the deletion to the first packet that missed the entry, ms: how long the stream had nothing to send. */
  readonly waited: number;
  /** From that packet to the lesson, or to the last packet by a hub where that was later: from then on all go straight. */
  readonly took: number;
}

function recovery(seen: readonly (Relay | Message)[], { own, at, until: end }: Window): Recovery {
  const mine = seen.filter((s) => s.ns >= at && s.ns < end);
  const asked = mine.find((s) => s.from === own && (s.kind === "packet" || s.message?.kind === "ask"));
  const lesson = mine.find((s) => s.kind === "message" && s.to === own && isLesson(s));
  if (!asked || !lesson) throw new Error("A question or its lesson was not seen on the wire.");
  const last = mine.findLast((s) => s.kind === "packet" && s.from === own);
  const back = last && last.ns > lesson.ns ? last.ns : lesson.ns;
  return { waited: Number(asked.ns - at) / 1e6, took: Number(back - asked.ns) / 1e6 };
}

const isLesson = ({ message }: Message): boolean => message?.kind === "teach" && message.address !== undefined;

/** One iperf3 from h1's guest to h2's, until it is told to stop. */
class Bulk {
  readonly #server: Child;
  readonly #client: Child;
  #said = "";

  private constructor(server: Child, client: Child) {
    this.#server = server;
    this.#client = client;
    client.process.stdout!.on("data", (piece: Buffer) => {
      this.#said += piece.toString();
    });
  }

  static async start(world: PlainWorld): Promise<Bulk> {
    const address = world.addresses(2)[0]!;
    const listen = ["iperf3", "-s", "-1", "-B", address, "-A", CPU.receiver, "--forceflush"];
    const server = await serve(world.guest(2).namespace, listen, "listening");
    const argv = ["iperf3", "-c", address, "-t", "600", "-A", CPU.sender, "-J"];
    const client = await Child.start({ name: "iperf3", argv: inNamespace(world.guest(1).namespace, argv) });
    return new Bulk(server, client);
  }

  async stop(): Promise<Omit<StreamResult, "overflows">> {
    const closed = new Promise<void>((done) => this.#client.process.once("close", () => done()));
    await this.#client.stop("SIGINT");
    await closed;
    await this.#server.kill();
    const { sum_sent: sum } = (JSON.parse(this.#said) as Report).end;
    if (!sum) throw new Error("iperf3 told nothing of its stream.");
    return {
      gbps: rounded(sum.bits_per_second / 1e9),
      retransmits_a_second: rounded(sum.retransmits / sum.seconds),
    };
  }
}

interface Report {
  readonly end: {
    readonly sum_sent?: { readonly retransmits: number; readonly bits_per_second: number; readonly seconds: number };
  };
}
