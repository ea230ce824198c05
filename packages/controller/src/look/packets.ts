import { cidr4, contains, GATEWAY_MAC, ipv4, type Network, type Port, packet, type TraceProtocol } from "@onehop/core";

const { frame, eth, arp, ipv4: ip, icmp, tcp, udp } = packet;
const BROADCAST = "ff:ff:ff:ff:ff:ff";
const IP_LEN = 20;
const HEADERS: Readonly<Record<Exclude<TraceProtocol, "arp">, number>> = { icmp: 8, tcp: 20, udp: 8 };
/** From a port that no guest's connection has by itself. */
const SOURCE_PORT = 33434;

/** What a guest would send, as its own kernel would make it. */
export interface Imagined {
  readonly port: Port;
  readonly network: Network;
  readonly address: string;
  readonly protocol: TraceProtocol;
  /** Of TCP and UDP. */
  readonly dport: number;
  /** Bytes of the IP packet; undefined: as few as will do. */
  readonly size: number | undefined;
  /** Tells the packet from others: the id of IPv4, and of an ICMP echo. */
  readonly id: number;
}

/** The least and the most bytes of an IP packet. A trial takes no frame that is larger than a page with all around it. */
export const sizesOf = (protocol: Exclude<TraceProtocol, "arp">): readonly [number, number] => [
  IP_LEN + HEADERS[protocol],
  3500,
];

/** What the guest asks the MAC of: the address itself where it is in the guest's network, else the gateway. */
export const neighbourOf = ({ network, address }: Imagined): string =>
  contains(cidr4(network.cidr), ipv4(address)) ? address : network.gateway;

export function whoHas(about: Imagined, target: string): Uint8Array {
  const { mac, addresses } = about.port;
  return frame(
    eth({ dst: BROADCAST, src: mac }),
    arp({ op: 1, sender_mac: mac, sender_ip: addresses[0], target_ip: target }),
  );
}

/** The MAC that a reply tells, or undefined where the frame is none. */
export function macIn(reply: Uint8Array): string | undefined {
  const layer = packet.decode(reply)[1];
  return layer?.kind === "arp" && layer.op === 2 ? layer.sender_mac : undefined;
}

export function packetOf(about: Imagined, dst = GATEWAY_MAC): Uint8Array {
  const { port, address, protocol, dport, size, id } = about;
  if (protocol === "arp") return whoHas(about, address);
  const header = eth({ dst, src: port.mac });
  const layer = ip({ src: port.addresses[0], dst: address, id, df: true, ttl: 64 });
  const rest = size === undefined ? 0 : size - sizesOf(protocol)[0];
  if (protocol === "icmp") return frame(header, layer, icmp({ type: 8, id, seq: 1 }), rest);
  if (protocol === "udp") return frame(header, layer, udp({ sport: SOURCE_PORT, dport }), rest);
  return frame(header, layer, tcp({ sport: SOURCE_PORT, dport, flags: "S", seq: id }), rest);
}
