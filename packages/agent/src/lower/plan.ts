import type {
  Device,
  HostPlan,
  HostSlice,
  HostsSlice,
  KnownHost,
  NetworkSlice,
  PortPlan,
  PortProblem,
  VpcLearning,
  VpcSlice,
} from "@onehop/core";
import { Memos } from "./memos.ts";

/** A plan taken apart by kind of slice, with the look-ups that lowering shares. */
export interface Opened {
  readonly own: HostSlice;
  readonly hosts: HostsSlice["hosts"];
  readonly hostByNumber: ReadonlyMap<number, KnownHost>;
  readonly vpcs: readonly VpcSlice[];
  readonly networks: readonly NetworkSlice[];
  /** Ports bound to this host, of each network. */
  readonly localIn: ReadonlyMap<NetworkSlice, readonly LocalPort[]>;
  /** All of them, by port id. */
  readonly local: readonly LocalPort[];
}

export interface LocalPort {
  readonly port: PortPlan;
  readonly network: NetworkSlice;
  /** How far ports of its VPC are learned. */
  readonly learns: VpcLearning["mode"];
}

/** Undefined: the host's own slice or one that it lists is missing, so nothing may be concluded from what is not there. */
export function openPlan(plan: HostPlan, memos = new Memos()): Opened | undefined {
  const slices = [...plan.values()];
  const own = slices.find((s) => s.type === "host");
  if (!own?.slices.every((id) => plan.has(id))) return undefined;
  const wanted = own.slices.flatMap((id) => plan.get(id) ?? []);
  const hosts = wanted.find((s) => s.type === "hosts")?.hosts ?? NO_HOSTS;
  const networks = wanted.filter((s) => s.type === "network");
  const vpcs = wanted.filter((s) => s.type === "vpc");
  const modes = new Map(vpcs.map(({ vpc_id, learning }) => [vpc_id, learning ? modeOf(learning) : "pushed"] as const));
  const localIn = new Map(
    networks.map((network) => {
      const learns = modes.get(network.vpc_id) ?? "pushed";
      return [network, memos.local.of(network, [own.number, learns], () => localPorts(network, own, learns))] as const;
    }),
  );
  return {
    own,
    hosts,
    hostByNumber: memos.hostByNumber.of(hosts, [], () => new Map(hosts.map((h) => [h.number, h]))),
    vpcs,
    networks,
    localIn,
    local: [...localIn.values()].flat().sort((a, b) => (a.port.id < b.port.id ? -1 : 1)),
  };
}

const NO_HOSTS: Opened["hosts"] = [];

const localPorts = (network: NetworkSlice, own: HostSlice, learns: LocalPort["learns"]): LocalPort[] =>
  network.ports.filter((port) => port.host === own.number).map((port) => ({ port, network, learns }));

/** A controller of another version may say something else, or nothing. */
const modeOf = ({ mode }: VpcLearning): VpcLearning["mode"] =>
  mode === "confirmed" || mode === "pushed" ? mode : "direct";

/** The same reason for every port that this host has in these VPCs, by VNI. */
export const portsOf = ({ local }: Opened, vpcs: ReadonlySet<number>, reason: string): PortProblem[] =>
  local.filter(({ network }) => vpcs.has(network.vpc_vni)).map(({ port }) => ({ port_id: port.id, reason }));

/** Name of the port's device on the host. Made ones carry the end of the port's id, which is random in every UUID. */
export const deviceName = (portId: string, device: Device): string =>
  device.kind === "adopt" ? device.name : `oh${portId.replaceAll("-", "").slice(-12)}`;
