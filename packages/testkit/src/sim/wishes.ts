import type { Random } from "../topologies/random.ts";
import type { Owned, Users } from "./users.ts";

/** Objects that there are at most, by kind: small worlds meet more often. */
const MOST = { vpc: 3, network: 5, port: 14, route: 3 } as const;

const TRIES = 6;

export interface HostSpec {
  readonly id: string;
  readonly name: string;
  readonly tunnel_address: string;
}

/** What users want, at random. */
export class Wishes {
  readonly #users: Users;
  readonly #random: Random;
  readonly #hosts: readonly HostSpec[];
  readonly #project: string;
  #count = 0;

  constructor(users: Users, random: Random, world: { hosts: readonly HostSpec[]; project: string }) {
    this.#users = users;
    this.#random = random;
    this.#hosts = world.hosts;
    this.#project = world.project;
  }

  /** One that can be: before there is a network, nobody wants a port. */
  next(): void {
    const { counts } = this.#users;
    const { asked } = counts;
    for (let i = 0; i < TRIES && counts.asked === asked; i++) this.#any();
  }

  #any(): void {
    const wishes: readonly (readonly [weight: number, wish: () => void])[] = [
      [6, () => this.#vpc()],
      [10, () => this.#network()],
      [30, () => this.#port()],
      [6, () => this.#route()],
      [20, () => this.#move()],
      [8, () => this.#allow()],
      [10, () => this.#remove("port")],
      [4, () => this.#remove("route")],
      [4, () => this.#remove("network")],
      [2, () => this.#remove("vpc")],
      [5, () => this.#role()],
      [3, () => this.#host()],
    ];
    let left = this.#random.int(
      1,
      wishes.reduce((sum, [weight]) => sum + weight, 0),
    );
    for (const [weight, wish] of wishes) {
      left -= weight;
      if (left > 0) continue;
      wish();
      return;
    }
  }

  host({ id, name, tunnel_address }: HostSpec, roles: readonly string[]): void {
    this.#users.create("host", { name, tunnel_address, roles }, id);
  }

  #vpc(): void {
    if (this.#users.some("vpc").length >= MOST.vpc) return;
    this.#users.create("vpc", { project_id: this.#project, cidrs: ["10.0.0.0/16"], name: this.#name("v") });
  }
  #network(): void {
    const vpc = this.#random.maybe(this.#users.some("vpc"));
    if (!vpc || this.#users.some("network").length >= MOST.network) return;
    this.#users.create("network", { vpc_id: vpc.id, name: this.#name("n") });
  }
  #port(): void {
    const network = this.#random.maybe(this.#users.some("network"));
    if (!network || this.#users.some("port").length >= MOST.port) return;
    const name = this.#name("p");
    this.#users.create("port", { network_id: network.id, name, ...this.#place(name) });
  }
  #route(): void {
    const vpc = this.#random.maybe(this.#users.some("vpc"));
    if (!vpc || this.#users.some("route").length >= MOST.route) return;
    const destination = `172.16.${this.#random.int(0, 9)}.0/24`;
    const next_hop = `10.0.${this.#random.int(1, 3)}.${this.#random.int(2, 9)}`;
    this.#users.create("route", { vpc_id: vpc.id, destination, next_hop, name: this.#name("r") });
  }
  #move(): void {
    const port = this.#random.maybe(this.#users.some("port"));
    if (!port) return;
    const place = this.#place(String(port.body.name));
    this.#users.change(port, "host_id" in place ? place : { host_id: null, device: null });
  }
  #allow(): void {
    const port = this.#random.maybe(this.#users.some("port"));
    if (port) this.#users.change(port, { allowed_addresses: [`192.168.${this.#random.int(0, 9)}.0/24`] });
  }
  #remove(kind: "port" | "route" | "network" | "vpc"): void {
    const object = this.#random.maybe(this.#users.some(kind));
    if (object) this.#users.remove(object);
  }
  #role(): void {
    const host = this.#random.maybe(this.#users.some("host"));
    if (host) this.#users.change(host, { roles: this.#random.chance(60) ? ["compute", "hub"] : ["compute"] });
  }
  /** One goes, where it may; or one that went comes again. */
  #host(): void {
    const there: readonly Owned[] = this.#users.some("host");
    const gone = this.#hosts.find((spec) => this.#users.objects.get(spec.id)?.revision === 0);
    const host = this.#random.maybe(there);
    if (gone) this.host(gone, ["compute"]);
    else if (host) this.#users.remove(host);
  }

  #place(name: string) {
    if (this.#random.chance(8)) return {};
    const host = this.#random.maybe(this.#users.some("host"));
    return host ? { host_id: host.id, device: { kind: "veth", namespace: `ns-${name}` } } : {};
  }
  #name(prefix: string): string {
    return `${prefix}${++this.#count}`;
  }
}
