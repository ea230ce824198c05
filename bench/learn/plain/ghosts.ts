import { Place } from "@onehop/datapath";
import { until } from "@onehop/lab";
import { HUBS, type PlainWorld } from "./world.ts";

const HOST = { name: "h9", tunnel_address: "192.0.2.250", roles: ["compute"] };
/** As many as one request takes; a network holds more, and 64 networks are enough. */
const AT_ONCE = 500;

/** Ports that the VPC has besides, on a host that is registered and not there: they fill tables, and never answer. */
export class Ghosts {
  readonly #world: PlainWorld;
  readonly #host: string;
  readonly #number: number;
  readonly #vpc: string;
  #count = 0;
  #networks = 0;

  private constructor(world: PlainWorld, host: { readonly id: string; readonly number: number }) {
    this.#world = world;
    this.#host = host.id;
    this.#number = host.number;
    this.#vpc = world.guest(1).vpc_id;
  }

  static async of(world: PlainWorld): Promise<Ghosts> {
    const { id, number } = await world.lab.client.create("hosts", HOST);
    return new Ghosts(world, { id, number: number as number });
  }

  /** Resolves with the addresses of the new ones, when the hubs have them all. */
  async add(more: number): Promise<string[]> {
    const addresses: string[] = [];
    const to = this.#count + more;
    while (this.#count < to) addresses.push(...(await this.#some(Math.min(AT_ONCE, to - this.#count))));
    for (const host of HUBS) await until(`${host} to have ${to} ports`, () => this.#knownAt(host) >= to || undefined);
    return addresses;
  }

  #knownAt(hub: string): number {
    const { destinations } = this.#world.kernel(hub).maps;
    return [...destinations.entries()].filter(
      ([, { place, where }]) => place === Place.REMOTE && where === this.#number,
    ).length;
  }

  async #some(count: number): Promise<string[]> {
    const { client } = this.#world.lab;
    const first = this.#count;
    this.#count += count;
    const cidr = `10.9.${4 * this.#networks++}.0/22`;
    const network = await client.create("networks", { name: `ghosts-${first}`, vpc_id: this.#vpc, cidr });
    const items = Array.from({ length: count }, (_, i) => ({
      ...{ name: `ghost-${first + i}`, network_id: network.id, host_id: this.#host },
      device: { kind: "adopt", name: `ghost${first + i}` },
    }));
    const { body } = await client.request("POST", "/v1/ports:bulk", { items });
    const { results } = body as { results: { object: { addresses: string[] } }[] };
    return results.map(({ object }) => object.addresses[0]!);
  }
}
