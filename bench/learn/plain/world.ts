import { Learn } from "@onehop/datapath";
import { inNamespace, ipBatch, Lab, run } from "@onehop/lab";
import type { Guest } from "@onehop/lab/guests";
import { namespacePath } from "@onehop/lab/names";
import { signal } from "@onehop/lab/system/identity";
import { ping } from "@onehop/lab/traffic/ping";
import { HostKernel } from "@onehop/testkit/netns/kernel";

/** Most that a port may have. */
export const ADDRESSES_A_PORT = 16;
export const HUBS = ["h4", "h5"] as const;
const HOSTS = 5;

export const document = (kind: string, metadata: object, spec: object): string =>
  JSON.stringify({ apiVersion: "onehop/v1", kind, metadata: { project: "learn", ...metadata }, spec });

/** Ports of host n, in network n, with so many addresses in all. */
function ports(n: number, addresses: number): string[] {
  const all = Array.from({ length: addresses }, (_, i) => `10.0.${n}.${10 + i}`);
  return Array.from({ length: Math.ceil(addresses / ADDRESSES_A_PORT) }, (_, i) => {
    const name = `g${n}-${i}`;
    const own = all.slice(i * ADDRESSES_A_PORT, (i + 1) * ADDRESSES_A_PORT);
    const spec = { addresses: own, host: `h${n}`, device: { kind: "veth", namespace: name } };
    return document("Port", { name, vpc: "v", network: `n${n}` }, spec);
  });
}

/** h1 and h2 have guests with `addresses` addresses each, h3 one guest with one; h4 and h5 are hubs and nothing else. */
const region = (addresses: number): string =>
  [
    JSON.stringify({ apiVersion: "onehop/v1", kind: "Project", metadata: { name: "learn" }, spec: {} }),
    document("Vpc", { name: "v" }, { cidrs: ["10.0.0.0/8"] }),
    ...[1, 2, 3].map((n) => document("Network", { name: `n${n}`, vpc: "v" }, { cidr: `10.0.${n}.0/24` })),
    ...[1, 2].flatMap((n) => ports(n, addresses)),
    ...ports(3, 1),
  ].join("\n---\n");

/** A lab whose VPC learns, and what its kernels know. */
export class PlainWorld {
  readonly lab: Lab;
  #guests: readonly Guest[] = [];
  readonly #kernels = new Map<string, HostKernel>();

  private constructor(lab: Lab) {
    this.lab = lab;
  }

  static async up(addresses: number, progress: (what: string) => void = () => undefined): Promise<PlainWorld> {
    const world = new PlainWorld(await Lab.up({ hosts: HOSTS, hubs: HUBS.length, progress }));
    try {
      await world.lab.apply(region(addresses));
      await world.lab.realised();
      await world.#addAddresses();
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  /** Guests get the first address by themselves; and ask now who their gateway is. */
  async #addAddresses(): Promise<void> {
    this.#guests = await this.lab.guests();
    for (const { addresses, namespace, gateway } of this.#guests) {
      const more = addresses.slice(1).map((address) => `address add ${address}/32 dev eth0`);
      await ipBatch(more, namespace);
      await ping({ namespace, to: gateway, count: 1 });
    }
  }

  /** Of host n and network n, in the order of their addresses. */
  guests(n: number): readonly Guest[] {
    const number = (g: Guest): number => Number(g.port.split("-")[1]);
    return this.#guests
      .filter((g) => g.network === `n${n}` && g.host === `h${n}`)
      .sort((a, b) => number(a) - number(b));
  }
  guest(n: number): Guest {
    return this.guests(n)[0]!;
  }
  addresses(n: number): readonly string[] {
    return this.guests(n).flatMap((g) => g.addresses);
  }
  /** As bench/tools/pairs.c wants them. */
  specs(n: number): string[] {
    return this.guests(n).map((g) => `${namespacePath(g.namespace)}=${g.addresses.join(",")}`);
  }
  tunnel(host: string): string {
    return this.lab.host(host).tunnelAddress;
  }

  kernel(host: string): HostKernel {
    const kernel = this.#kernels.get(host) ?? new HostKernel(this.lab, host);
    this.#kernels.set(host, kernel);
    return kernel;
  }

  /** Nobody knows anything any more but what was pushed. */
  forget(): void {
    for (const { name } of this.lab.hosts) {
      const { learned } = this.kernel(name).maps;
      learned.deleteMany([...learned.keys()]);
    }
  }

  /** With agents and controllers stopped in their tracks: packets need none, and what they do now and then is no packet's. */
  async withoutControl<T>(work: () => Promise<T>): Promise<T> {
    const all = [...this.lab.agents.values(), ...this.lab.controllers.values()];
    const tell = (how: NodeJS.Signals): void => all.forEach(({ id }) => void signal(id, how));
    tell("SIGSTOP");
    try {
      return await work();
    } finally {
      tell("SIGCONT");
    }
  }

  /** Keys of a pinned map of a host, as bpftool dumps them: the kernel's own account. */
  async dump(host: string, map: string): Promise<readonly unknown[]> {
    const pin = `${this.lab.files.pins(host)}/${map}`;
    return JSON.parse(await run(["bpftool", "-j", "map", "dump", "pinned", pin])) as unknown[];
  }

  /** Packets that the programs dropped so far, by `host reason`. */
  drops(): Record<string, number> {
    const named = this.lab.hosts.flatMap(({ name }) =>
      Object.entries(this.kernel(name).allDrops()).map(([reason, n]) => [`${name} ${reason}`, n] as const),
    );
    return Object.fromEntries(named);
  }

  /** What came of questions and answers so far, by `host outcome`. */
  outcomes(): Record<string, number> {
    const named = this.lab.hosts.flatMap(({ name }) =>
      [...this.kernel(name).maps.learning.entries()].map(
        ([what, { packets }]) => [`${name} ${OUTCOMES[what] ?? what}`, packets] as const,
      ),
    );
    return Object.fromEntries(named);
  }

  /** Packets that devices and queues of the underlay, hosts and first guests had no room for, so far. */
  async overflows(): Promise<number> {
    const hosts = this.lab.hosts.map((host) => host.namespace);
    const places = [this.lab.fabric.namespace, ...hosts, ...[1, 2].map((n) => this.guest(n).namespace)];
    const all = await Promise.all(places.map((space) => run(["ip", "-n", space, "-s", "-j", "link", "show"])));
    const links = all.flatMap((text) => JSON.parse(text) as Link[]);
    return links.reduce((sum, { stats64: { rx, tx } }) => sum + rx.dropped + tx.dropped, 0);
  }

  inHost(host: string, argv: readonly string[]): string[] {
    return inNamespace(this.lab.host(host).namespace, argv);
  }

  async close(): Promise<void> {
    for (const kernel of this.#kernels.values()) kernel.close();
    await this.lab.close();
  }
}

interface Link {
  readonly stats64: { readonly rx: { readonly dropped: number }; readonly tx: { readonly dropped: number } };
}

const OUTCOMES = Object.keys(Learn).map((name) => name.toLowerCase());

/** What grew, and by how much. */
export const grown = (before: Record<string, number>, after: Record<string, number>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, n]) => [name, n - (before[name] ?? 0)] as const)
      .filter(([, n]) => n !== 0),
  );

/** Builds a world, and takes it down whatever comes. */
export async function inWorld<T>(
  addresses: number,
  progress: (what: string) => void,
  work: (world: PlainWorld) => Promise<T>,
): Promise<T> {
  const world = await PlainWorld.up(addresses, progress);
  try {
    return await work(world);
  } finally {
    await world.close();
  }
}
