import { FABRIC, namespaceOf } from "../names.ts";

/** Shape of the underlay: every host has links of its own to one router, and no layer 2 is shared between hosts. */
export interface FabricOptions {
  readonly hosts: number;
  /** How many of them, the last ones, are hubs and nothing else. With two or more of them VPCs learn. */
  readonly hubs?: number;
  /** Links from each host to the router, used together (ECMP). */
  readonly uplinks: number;
  /** Of the links; a guest's is 50 less. */
  readonly mtu: number;
}

export interface Uplink {
  /** In the host's namespace. */
  readonly device: string;
  readonly address: string;
  /** In the fabric's namespace. */
  readonly routerDevice: string;
  readonly routerAddress: string;
}

export interface LabHost {
  readonly name: string;
  readonly role: "compute" | "hub";
  readonly namespace: string;
  /** On the host's loopback; routed to through any of its uplinks. */
  readonly tunnelAddress: string;
  readonly uplinks: readonly Uplink[];
}

export interface FabricPlan {
  readonly namespace: string;
  readonly mtu: number;
  readonly hosts: readonly LabHost[];
}

export const DEFAULT_FABRIC: FabricOptions = { hosts: 3, hubs: 0, uplinks: 1, mtu: 1550 };

/**
 * Addresses are of the ranges for tests and documentation: links 198.18.<host>.<2n>/31 (RFC 2544, RFC 3021), tunnel
 * addresses 192.0.2.<host> (RFC 5737). They repeat in every lab: each lab's fabric is a world of its own.
 */
export function planFabric(labId: string, options: FabricOptions): FabricPlan {
  if (options.hosts < 1 || options.hosts > 250) throw new RangeError("A lab has 1 to 250 hosts.");
  const hubs = options.hubs ?? 0;
  if (hubs < 0 || hubs > options.hosts) throw new RangeError("A lab has no more hubs than hosts.");
  if (options.uplinks < 1 || options.uplinks > 8) throw new RangeError("A host has 1 to 8 uplinks.");
  if (options.mtu < 626 || options.mtu > 9216)
    throw new RangeError("The MTU of the underlay is 626 to 9216 bytes: guests get 50 less, and IPv4 wants 576.");
  const hosts = Array.from({ length: options.hosts }, (_, i) => planHost(labId, i + 1, options));
  return { namespace: namespaceOf(labId, FABRIC), mtu: options.mtu, hosts };
}

function planHost(labId: string, number: number, { hosts, hubs = 0, uplinks }: FabricOptions): LabHost {
  const name = `h${number}`;
  return {
    name,
    role: number > hosts - hubs ? "hub" : "compute",
    namespace: namespaceOf(labId, name),
    tunnelAddress: `192.0.2.${number}`,
    uplinks: Array.from({ length: uplinks }, (_, n) => ({
      device: `up${n}`,
      address: `198.18.${number}.${2 * n + 1}`,
      routerDevice: `${name}-${n}`,
      routerAddress: `198.18.${number}.${2 * n}`,
    })),
  };
}
