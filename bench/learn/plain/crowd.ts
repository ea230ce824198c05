import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Learn } from "@onehop/datapath";
import { type Guest, inNamespace, ipBatch, run, until } from "@onehop/lab";
import { note, station } from "@onehop/testkit/netns/frames";
import { CPU } from "../../figures/processors.ts";
import { toolPath } from "../../tools.ts";
import { ADDRESSES_A_PORT, document, type PlainWorld } from "./world.ts";

const RANGE = "10.64.0.0/18";
/** Packets a second while pairs are learned: questions on misses have a budget. */
const GENTLE = 2000;
/** For what waits in queues still when the sender ends. */
const DRAIN_MS = 1000;
const PATIENCE_MS = 300_000;
const PAYLOAD = "x".repeat(64);

/**
 * To one address; to one address of each guest; to all addresses. As many frames in each, and the last two go to one guest
 * after the other alike, so that only the number of pairs differs.
 */
export const TALKS = ["one", "each", "all"] as const;
export type Talk = (typeof TALKS)[number];

export interface Sent {
  readonly sent: number;
  /** By ports of h2, as its programs counted. */
  readonly received: number;
  readonly by_hub: number;
  /** Questions that h1 put straight to h2 about its entries. */
  readonly asked: number;
}

/** Guests of h2 with many addresses together, for h1's guest to talk to: one pair for each address. */
export class Crowd {
  readonly world: PlainWorld;
  readonly #addresses: readonly string[];

  private constructor(world: PlainWorld, addresses: readonly string[]) {
    this.world = world;
    this.#addresses = addresses;
  }

  static async of(world: PlainWorld, size: number): Promise<Crowd> {
    const addresses = Array.from({ length: size }, (_, i) => `10.64.${1 + (i >> 8)}.${i & 255}`);
    const network = document("Network", { name: "crowd", vpc: "v" }, { cidr: RANGE });
    await world.lab.apply([network, ...ports(addresses)].join("\n---\n"));
    const guests = (await world.lab.guests()).filter(({ network }) => network === "crowd");
    for (const guest of guests) await realised(world, guest);
    // What arrives ends there without an answer.
    for (const { namespace } of guests) await ipBatch(["address flush dev eth0"], namespace);
    const crowd = new Crowd(world, addresses);
    const turns = inTurns(addresses);
    const targets = { one: addresses.slice(0, 1), each: turns.slice(0, guests.length), all: turns };
    for (const talk of TALKS)
      crowd.#write(
        talk,
        Array.from(addresses, (_, i) => targets[talk][i % targets[talk].length]!),
      );
    return crowd;
  }

  get pairs(): number {
    return this.#addresses.length;
  }

  /** Until h1 has an entry of each pair, and has asked h2 about each. */
  async learn(): Promise<void> {
    const learn = async (): Promise<true | undefined> => {
      await this.#send("all", 1, GENTLE);
      return this.#known() === this.pairs || undefined;
    };
    await until(`h1 to learn ${this.pairs} pairs`, learn, PATIENCE_MS);
  }

  /** About so many seconds of packets, `rate` a second, every pair as many; `one` as many as all. */
  async send(talk: Talk, seconds: number, rate: number): Promise<Sent> {
    const [received, by_hub, asked] = [this.#received(), this.#byHub(), this.#asked()];
    const sent = await this.#send(talk, Math.max(1, Math.round((seconds * rate) / this.pairs)), rate);
    const arrived = (): number => this.#received() - received;
    await until("all to arrive", () => arrived() === sent || undefined, DRAIN_MS).catch(() => undefined);
    return { sent, received: arrived(), by_hub: this.#byHub() - by_hub, asked: this.#asked() - asked };
  }

  #known(): number {
    const own = new Set(this.#addresses);
    const entries = [...this.world.kernel("h1").maps.learned.entries()];
    return entries.filter(([{ address }, { roster }]) => own.has(address) && roster !== 0).length;
  }

  #path(talk: Talk): string {
    return join(this.world.lab.files.dir, `crowd-${talk}`);
  }

  /** Packets that no kernel answers, nor looks for a socket of. */
  #write(talk: Talk, addresses: readonly string[]): void {
    const from = station(this.#source);
    const frames = addresses.map((address) => note(from, { mac: from.mac, address }, PAYLOAD, { routed: true }));
    const records = frames.map((frame) => Buffer.concat([Buffer.of(frame.length >> 8, frame.length & 255), frame]));
    writeFileSync(this.#path(talk), Buffer.concat(records));
  }

  async #send(talk: Talk, rounds: number, rate: number): Promise<number> {
    const argv = [await toolPath("frames"), CPU.sender, "eth0", String(rounds), String(rate), this.#path(talk)];
    return (JSON.parse(await run(inNamespace(this.#source.namespace, argv))) as { packets: number }).packets;
  }

  get #source(): Guest {
    return this.world.guest(1);
  }

  #byHub(): number {
    const kernel = this.world.kernel("h1");
    return kernel.maps.ways.get(kernel.slot(this.#source.port_id))!.by_hub;
  }

  #asked(): number {
    return this.world.kernel("h1").maps.learning.get(Learn.REFRESHED)!.packets;
  }

  #received(): number {
    const { endpoints, port_counters } = this.world.kernel("h2").maps;
    return [...endpoints.keys()].reduce((sum, slot) => sum + port_counters.get(slot)!.rx_packets, 0);
  }
}

/** The first address of each guest, then the second of each, and so on. */
const inTurns = (addresses: readonly string[]): string[] =>
  Array.from({ length: ADDRESSES_A_PORT }, (_, turn) => turn).flatMap((turn) =>
    addresses.filter((_, i) => i % ADDRESSES_A_PORT === turn),
  );

const ports = (addresses: readonly string[]): string[] =>
  Array.from({ length: Math.ceil(addresses.length / ADDRESSES_A_PORT) }, (_, i) => {
    const name = `crowd-${i}`;
    const own = addresses.slice(i * ADDRESSES_A_PORT, (i + 1) * ADDRESSES_A_PORT);
    const spec = { addresses: own, host: "h2", device: { kind: "veth", namespace: name } };
    return document("Port", { name, vpc: "v", network: "crowd" }, spec);
  });

/** All ports of the lab may be too many to wait for: ghosts' never are. */
const realised = ({ lab }: PlainWorld, { port, port_id }: Guest): Promise<true> =>
  until(
    `port ${port} to be realised`,
    async () => (await lab.client.wait("ports", port_id, 5)).status.state === "realised" || undefined,
    PATIENCE_MS,
  );
