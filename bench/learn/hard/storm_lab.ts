import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ipBatch } from "@onehop/lab";
import { Child } from "@onehop/lab/system/child";
import { saysReady, toolPath } from "../../tools.ts";
import { HardLab, OTHERS } from "./lab.ts";

/** Of a port: as many as it may have. */
const ADDRESSES = 16;
const SIDES = { s: { host: 1, base: 64 }, t: { host: 2, base: 72 } } as const;
type Side = keyof typeof SIDES;

/** Addresses of a side's port, of a /22 of the VPC's. */
function addressesOf(side: Side, port: number): string[] {
  const first = 8 + port * ADDRESSES;
  return Array.from(
    { length: ADDRESSES },
    (_, i) => `10.0.${SIDES[side].base + ((first + i) >> 8)}.${(first + i) & 255}`,
  );
}

const network = (side: Side): string =>
  `{apiVersion: onehop/v1, kind: Network, metadata: {name: ${side}, project: hard, vpc: v}, spec: {cidr: 10.0.${SIDES[side].base}.0/22}}`;
const portDocument = (side: Side, port: number): string => `
apiVersion: onehop/v1
kind: Port
metadata: {name: ${side}${port}, project: hard, vpc: v, network: ${side}}
spec: {addresses: [${addressesOf(side, port).join(", ")}], host: h${SIDES[side].host}, device: {kind: veth, namespace: ${side}${port}}}`;

/** The other tenant's, for ports that come and go: addresses rest before they are used again. */
const SPARE =
  "{apiVersion: onehop/v1, kind: Network, metadata: {name: spare, project: hard, vpc: w}, spec: {cidr: 10.0.128.0/18}}";

/** What a storm sent, and what the programs gave to its receivers. */
export interface Blown {
  readonly sent: number;
  readonly delivered: number;
  readonly seconds: number;
  /** Part of what was sent that went straight. */
  readonly direct: number;
}

/** asks: as is. no room: nothing that is taught can be kept, every packet is a miss. hubs only: nobody asks, hubs carry all. */
export type Learning = "asks" | "no room" | "hubs only";

/** Guests for storms: ports s0, s1, ... at h1 and t0, t1, ... at h2, each of 16 addresses. */
export class StormLab {
  readonly hard: HardLab;
  readonly #ports: number;
  readonly #file: string;
  /** A network that no guest is in. */
  spare = "";

  private constructor(hard: HardLab, ports: number) {
    this.hard = hard;
    this.#ports = ports;
    this.#file = join(hard.lab.files.dir, "storm");
  }

  /** With so many ports on each side. */
  static async up(ports: number, progress?: (what: string) => void): Promise<StormLab> {
    const hard = await HardLab.up(progress);
    try {
      const storm = new StormLab(hard, ports);
      await storm.#build();
      return storm;
    } catch (error) {
      await hard.close();
      throw error;
    }
  }

  get pairs(): number {
    return (this.#ports * ADDRESSES) ** 2;
  }

  get #indexes(): number[] {
    return Array.from({ length: this.#ports }, (_, i) => i);
  }

  async #build(): Promise<void> {
    const sides = ["s", "t"] as const;
    const documents = sides.flatMap((side) => [network(side), ...this.#indexes.map((i) => portDocument(side, i))]);
    await this.hard.apply([SPARE, ...documents].join("\n---\n"));
    this.spare = (await this.hard.lab.client.list("networks", { name: "spare" }))[0]!.id;
    const given = (addresses: readonly string[]): string[] => addresses.map((a) => `address add ${a}/32 dev eth0`);
    for (const i of this.#indexes) {
      const namespace = (side: Side): string => this.hard.guest(`${side}${i}`).namespace;
      await ipBatch(given(addressesOf("s", i).slice(1)), namespace("s"));
      // What arrives there ends without an answer.
      await ipBatch(["address flush dev eth0"], namespace("t"));
    }
    await ipBatch(given(OTHERS.slice(1)), this.hard.guest("o2").namespace);
    // It would put right what `learning` writes. No packet waits for it.
    await this.hard.lab.agents.get("h1")!.kill();
    const sources = this.#indexes.flatMap((i) =>
      addressesOf("s", i).map((a) => `source /run/netns/${this.hard.guest(`s${i}`).namespace} ${a}`),
    );
    const targets = this.#indexes.flatMap((i) => addressesOf("t", i).map((a) => `target ${a}`));
    writeFileSync(this.#file, [...sources, ...targets, ""].join("\n"));
  }

  /** Of learning at h1, from now on: what it learned of the VPC is forgotten. */
  learning(how: Learning): void {
    const { vpc_rules, learned, questions } = this.hard.maps("h1");
    const key = { vpc: this.hard.guest("g1").vpc_vni };
    const usual = this.#usual ?? vpc_rules.get(key)!;
    this.#usual = usual;
    const nothing = { ask_rate: 1, ask_burst: 0, port_ask_rate: 1, port_ask_burst: 0 };
    const change = { asks: {}, "no room": { max_learned: 0 }, "hubs only": nothing }[how];
    vpc_rules.set(key, { ...usual, ...change });
    for (const table of [learned, questions])
      for (const row of [...table.keys()]) if (row.vpc === key.vpc) table.delete(row);
  }
  #usual: ReturnType<ReturnType<HardLab["maps"]>["vpc_rules"]["get"]>;

  /** Sends so many rounds of all pairs, as fast as they go; `meanwhile` begins with them. */
  async blow(rounds: number, meanwhile: () => Promise<void> = async () => undefined): Promise<Blown> {
    const argv = [await toolPath("storm"), "0", String(rounds), "0", this.#file];
    const child = await Child.start({ name: "storm", argv });
    let said = "";
    child.process.stdout!.on("data", (piece: Buffer) => {
      said += piece.toString();
    });
    const closed = new Promise<void>((done) => child.process.once("close", () => done()));
    try {
      await saysReady(child);
      const [before, ways] = [this.#delivered(), this.#ways()];
      await meanwhile();
      await closed;
      const { packets, ns } = JSON.parse(said.trim().split("\n").at(-1)!) as { packets: number; ns: number };
      const direct = (this.#ways() - ways) / packets;
      return { sent: packets, delivered: this.#delivered() - before, seconds: ns / 1e9, direct };
    } finally {
      await child.kill();
    }
  }

  /** Packets of all sources that went straight. */
  #ways(): number {
    const { ways } = this.hard.maps("h1");
    return this.#slots("s").reduce((sum, slot) => sum + ways.get(slot)!.direct, 0);
  }

  #slots(side: Side): number[] {
    const ids = new Set(this.#indexes.map((i) => this.hard.guest(`${side}${i}`).port_id));
    const { endpoints } = this.hard.maps(`h${SIDES[side].host}`);
    return [...endpoints].filter(([, e]) => ids.has(e.port)).map(([slot]) => slot);
  }

  /** To all targets, as the programs counted. */
  #delivered(): number {
    const { port_counters } = this.hard.maps("h2");
    return this.#slots("t").reduce((sum, slot) => sum + port_counters.get(slot)!.rx_packets, 0);
  }
}
