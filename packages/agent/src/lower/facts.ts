import type { ClassLimit } from "@onehop/datapath/maps.gen";

/** What lowering must know of the machine: all of it data, read by the kernel folder. */
export interface Facts {
  /** Devices of the host by name. */
  readonly links: ReadonlyMap<string, LinkFact>;
  /** Names of the underlay devices: no port's, whatever the plan says. */
  readonly uplinks: readonly string[];
  /** Least MTU of the uplinks, bytes of IP packet. */
  readonly underlayMtu: number;
  /** How to reach a tunnel address. Missing: there is no route, and packets to it are dropped. */
  readonly nextHops: ReadonlyMap<string, NextHop>;
  /** Dense number of each port of this host. */
  readonly slots: ReadonlyMap<string, number>;
  /** By class's name; missing: no limit. */
  readonly limits: Readonly<Partial<Record<string, ClassLimit>>>;
}

export interface LinkFact {
  readonly ifindex: number;
  readonly name: string;
  /**
   * veth: its other end is in another network namespace, so packets can be put there at once. tap: packets are sent out
   * on it; so too a veth with both ends here. other: no guest's.
   */
  readonly kind: "veth" | "tap" | "other";
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
}

export interface NextHop {
  /** Interface index of the uplink. */
  readonly uplink: number;
  /** Underlay router, or the host itself where it is on the link. */
  readonly next_hop: string;
}

/** Outer Ethernet, IPv4, UDP and VXLAN headers without the outer Ethernet's: what an inner IP packet must leave free. */
export const OVERHEAD = 50;

/** Packets a second that one port may send of each class, so that its flood costs nobody else anything. */
export const DEFAULT_LIMITS: Readonly<Record<string, ClassLimit>> = {
  other: { rate: 100, burst: 200 },
  arp: { rate: 200, burst: 400 },
  dhcp: { rate: 20, burst: 40 },
  metadata: { rate: 100, burst: 200 },
  broadcast: { rate: 100, burst: 200 },
  icmp_error: { rate: 100, burst: 100 },
};
