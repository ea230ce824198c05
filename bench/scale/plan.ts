/** packed: a network lives on a few hosts that are near each other; random: each of its ports on any host. */
export type Placement = "packed" | "random";

export interface Shape {
  /** Of the large VPC. */
  readonly ports: number;
  /** Hosts with ports, the real ones among them; hubs come on top. */
  readonly hosts: number;
  readonly placement: Placement;
  /** Small VPCs beside the large one. */
  readonly others: number;
}

/** Hosts that a packed network lives on, at most. */
export const HOSTS_A_NETWORK = 16;
/** Ports that a real host may have of a network: each is a namespace. */
export const REAL_PORTS = 8;
/** The first ports of the first network on each real host have so many addresses each, to talk to. */
export const TALKERS = 4;
export const ADDRESSES_A_TALKER = 16;

export interface PlannedPort {
  readonly name: string;
  readonly network: number;
  /** Index of its host. */
  readonly host: number;
  readonly addresses: readonly string[];
}

export interface Planned {
  readonly networks: number;
  /** Indexes of the two hosts that are real. */
  readonly real: readonly [number, number];
  /** Networks whose first ports are on the one real host, and on the other. */
  readonly talking: readonly [number, number];
  /** Hosts of each network. */
  readonly hostsOf: readonly (readonly number[])[];
  readonly ports: readonly PlannedPort[];
}

/** Range of a network, with room for more ports than it begins with: addresses that were freed rest for a while. */
export const rangeOf = (network: number): string => `10.${network >> 6}.${(network & 63) << 2}.0/22`;
/** The nth address of a network that is nobody's at first. */
export const freeAddress = (network: number, n: number): string => addressOf(network, 700 + n);

const addressOf = (network: number, n: number): string =>
  `10.${network >> 6}.${((network & 63) << 2) + (n >> 8)}.${n & 255}`;

/** As many networks as ports in each: 253 of 253 at full size. The same for the same shape. */
export function planRegion({ ports, hosts, placement }: Shape): Planned {
  const networks = Math.max(2, Math.round(Math.sqrt(ports)));
  if (networks > 253 || ports > 64_009) throw new RangeError("A VPC has up to 253 networks, of 253 ports here: 64009.");
  if (hosts < 4 || hosts > 4000) throw new RangeError("A region has 4 to 4000 hosts here.");
  const width = Math.min(HOSTS_A_NETWORK, Math.floor(hosts / 2));
  const window = (n: number): number[] => {
    const first = Math.floor((n * hosts) / networks);
    return Array.from({ length: width }, (_, i) => (first + i) % hosts);
  };
  const windows = Array.from({ length: networks }, (_, n) => window(n));
  const all = Array.from({ length: hosts }, (_, i) => i);
  const hostsOf = placement === "packed" ? windows : windows.map(() => all);
  const far = windows.findIndex((window) => !window.includes(0));
  const talking = [0, far] as const;
  const real = [0, windows[far]!.at(-1)!] as const;
  const planned = Array.from({ length: networks }, (_, n) => {
    const count = Math.floor(((n + 1) * ports) / networks) - Math.floor((n * ports) / networks);
    return portsOf(n, count, { hosts: hostsOf[n]!, real, talking, placement });
  });
  return { networks, real, talking, hostsOf, ports: planned.flat() };
}

interface Where {
  readonly hosts: readonly number[];
  readonly real: readonly [number, number];
  readonly talking: readonly [number, number];
  readonly placement: Placement;
}

function portsOf(network: number, count: number, { hosts, real, talking, placement }: Where): PlannedPort[] {
  const talks = talking.indexOf(network);
  const simulated = hosts.filter((host) => !real.includes(host));
  const realHere = hosts.filter((host) => real.includes(host));
  const next = counter(network + 1);
  let address = 10;
  return Array.from({ length: count }, (_, i) => {
    const talker = talks >= 0 && i < TALKERS;
    const addresses = Array.from({ length: talker ? ADDRESSES_A_TALKER : 1 }, () => addressOf(network, address++));
    // Real hosts have their share first, but no more than they can make namespaces for.
    const turn = i % hosts.length;
    const share = Math.floor(i / hosts.length) < (placement === "packed" ? REAL_PORTS / 2 : 0);
    const host = talker
      ? real[talks]!
      : share && turn < realHere.length
        ? realHere[turn]!
        : simulated[placement === "packed" ? i % simulated.length : next() % simulated.length]!;
    return { name: `p${network}-${i}`, network, host, addresses };
  });
}

/** Numbers that look like chance and are the same in every run (xorshift). */
export function counter(seed: number): () => number {
  let x = (seed * 2654435761) >>> 0 || 1;
  return () => {
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x;
  };
}
