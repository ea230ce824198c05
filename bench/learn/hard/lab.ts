import { type Datapath, OBJECT_DIR, openDatapath, type TypedMaps, type WayCounters } from "@onehop/datapath";
import { type Guest, inNamespace, ipBatch, Lab, run, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";

const network = (vpc: string, n: number): string =>
  `{apiVersion: onehop/v1, kind: Network, metadata: {name: n${n}, project: hard, vpc: ${vpc}}, spec: {cidr: 10.0.${n}.0/24}}`;
const vpc = (name: string): string =>
  `{apiVersion: onehop/v1, kind: Vpc, metadata: {name: ${name}, project: hard}, spec: {cidrs: [10.0.0.0/16]}}`;
const guest = (of: { vpc: string; name: string; n: number; addresses: readonly string[] }): string => `
apiVersion: onehop/v1
kind: Port
metadata: {name: ${of.name}, project: hard, vpc: ${of.vpc}, network: n${of.n}}
spec: {addresses: [${of.addresses.join(", ")}], host: h${of.n}, device: {kind: veth, namespace: ${of.name}}}`;

/** Addresses of a port of the second tenant: each is a pair of its own. */
export const OTHERS = Array.from({ length: 16 }, (_, i) => `10.0.2.${100 + i}`);
export const addressOf = (n: number): string => `10.0.${n}.10`;

/** VPC v has g1 to g3, VPC w with the same addresses o1 and o2; each on the host of its number. */
const FILE = [
  "{apiVersion: onehop/v1, kind: Project, metadata: {name: hard}, spec: {}}",
  vpc("v"),
  ...[1, 2, 3].map((n) => network("v", n)),
  ...[1, 2, 3].map((n) => guest({ vpc: "v", name: `g${n}`, n, addresses: [addressOf(n)] })),
  vpc("w"),
  ...[1, 2].map((n) => network("w", n)),
  guest({ vpc: "w", name: "o1", n: 1, addresses: [addressOf(1)] }),
  guest({ vpc: "w", name: "o2", n: 2, addresses: OTHERS }),
].join("\n---\n");

export const HUBS = ["h4", "h5"] as const;
const NEVER_HEARD = {
  ...{ heard: 0n, answered: 0n, probed: 0n, first: 0n, silent_since: 0n, held_until: 0n },
  ...{ nonce: 0, tries: 0, open: 0, falls: 0, silent: 0, vpc: 0 },
};

/** A lab that learns, whose hosts die and whose paths break; h4 and h5 are hubs and nothing else. */
export class HardLab {
  readonly lab: Lab;
  #guests: readonly Guest[] = [];
  readonly #datapaths = new Map<string, Datapath>();
  readonly #numbers = new Map<string, number>();
  /** Of ports that were asked about: they stay where they are. */
  readonly #slots = new Map<string, number>();

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  static async up(progress: (what: string) => void = () => undefined): Promise<HardLab> {
    const hard = new HardLab(await Lab.up({ hosts: 5, hubs: 2, progress }));
    try {
      await hard.apply(FILE);
      for (const host of await hard.lab.client.list("hosts")) hard.#numbers.set(host.name, host.number as number);
      return hard;
    } catch (error) {
      await hard.close();
      throw error;
    }
  }

  async apply(yaml: string): Promise<void> {
    await this.lab.apply(yaml);
    await this.lab.realised();
    this.#guests = await this.lab.guests();
  }

  async close(): Promise<void> {
    for (const datapath of this.#datapaths.values()) datapath.close();
    await this.lab.close();
  }

  guest(name: string): Guest {
    const found = this.#guests.find((g) => g.port === name);
    if (!found) throw new Error(`There is no guest ${name}.`);
    return found;
  }

  numberOf(host: string): number {
    return this.#numbers.get(host)!;
  }

  /** The host's maps as the kernel has them; what is written there the programs read at once. */
  maps(host: string): TypedMaps {
    let datapath = this.#datapaths.get(host);
    if (!datapath) {
      const config = { tunnel_address: this.lab.host(host).tunnelAddress, host: this.numberOf(host) };
      const pins = this.lab.files.pins(host);
      datapath = openDatapath({ objectDir: OBJECT_DIR, pins, config, programs: [] });
      this.#datapaths.set(host, datapath);
    }
    return datapath.maps;
  }

  /** Packets of a guest to other hosts so far, by their way. */
  ways(name: string): WayCounters {
    const { host, port_id } = this.guest(name);
    const maps = this.maps(host);
    let slot = this.#slots.get(port_id);
    if (slot === undefined) {
      slot = [...maps.endpoints].find(([, e]) => e.port === port_id)![0];
      this.#slots.set(port_id, slot);
    }
    return maps.ways.get(slot)!;
  }

  /** What one host thinks of another begins anew, damping included. */
  calm(at: string, about: string): void {
    this.maps(at).peers.set(this.numberOf(about), NEVER_HEARD);
  }

  /** The host has no way to anybody, or has it again. */
  async uplinks(host: string, state: "up" | "down"): Promise<void> {
    const { namespace, uplinks, tunnelAddress } = this.lab.host(host);
    await ipBatch(
      uplinks.map(({ device }) => `link set ${device} ${state}`),
      namespace,
    );
    if (state === "down") return;
    const [first] = uplinks;
    await ipBatch([`route replace default via ${first!.routerAddress} src ${tunnelAddress}`], namespace);
  }

  /** Whether an echo between their tunnel addresses comes back. */
  async reaches(from: string, to: string): Promise<boolean> {
    const { namespace } = this.lab.host(from);
    return (await ping({ namespace, to: this.lab.host(to).tunnelAddress, count: 1 })).received === 1;
  }

  /** The router loses whatever goes between the two hosts, and only that; or carries it again. */
  async path(one: string, other: string, state: "cut" | "whole"): Promise<void> {
    const [a, b] = [this.lab.host(one).tunnelAddress, this.lab.host(other).tunnelAddress];
    const verb = state === "cut" ? "add" : "del";
    await ipBatch(
      [`rule ${verb} from ${a} to ${b} blackhole`, `rule ${verb} from ${b} to ${a} blackhole`],
      this.fabric,
    );
  }

  get fabric(): string {
    return this.lab.fabric.namespace;
  }

  /** Packets that the router sent to the host so far. */
  async packetsTo(host: string): Promise<number> {
    const device = this.lab.host(host).uplinks[0]!.routerDevice;
    const [link] = JSON.parse(
      await run(inNamespace(this.fabric, ["ip", "-s", "-j", "link", "show", "dev", device])),
    ) as {
      stats64: { tx: { packets: number } };
    }[];
    return link!.stats64.tx.packets;
  }

  /** The hub that relayed flows go by now, of packets enough to tell. */
  async busyHub(): Promise<string> {
    const counts = () => Promise.all(HUBS.map((hub) => this.packetsTo(hub)));
    const before = await counts();
    return until("a hub to carry packets", async () => {
      const grown = (await counts()).map((n, i) => n - before[i]!);
      const most = Math.max(...grown);
      return most > ENOUGH ? HUBS[grown.indexOf(most)] : undefined;
    });
  }

  /** Hubs that the host may use in a VPC, as its kernel has them. */
  hubsKnown(at: string, vni: number): readonly number[] {
    return (this.maps(at).vpc_rules.get({ vpc: vni })?.hubs ?? []).filter((n) => n !== 0);
  }
}

const ENOUGH = 50;
