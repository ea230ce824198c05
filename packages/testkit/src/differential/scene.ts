import {
  type At,
  cidr4,
  formatIpv4,
  GATEWAY_MAC,
  type Host,
  type Intent,
  type Network,
  type Port,
  packet,
  sizeOf,
} from "@onehop/core";
import type { Random } from "../topologies/random.ts";

/** A packet to try: sent by the guest of a port, or arriving at a host's uplink. */
export type Case =
  | { readonly at: "guest"; readonly recipe: string; readonly port: string; readonly frame: Uint8Array }
  | { readonly at: "uplink"; readonly recipe: string; readonly host: string; readonly frame: Uint8Array };

export type Bound = At<Port> & { readonly host_id: string };
/** Test runs take no frame without Ethernet header, and no IP packet (6.17 on) without its fixed header. */
export function runnable(frame: Uint8Array): boolean {
  if (frame.length < 14) return false;
  const type = packet.u16(frame, 12);
  return frame.length >= (type === 0x0800 ? 34 : type === 0x86dd ? 54 : 14);
}

/** What a packet is made of besides its addresses. */
export interface Body {
  readonly ip: Partial<packet.Ipv4>;
  readonly layers: readonly (packet.Spec | Uint8Array)[];
}

/** A topology seen by the recipes: who there is to pick from, and the parts that packets are made of. */
export class Scene {
  readonly intent: Intent;
  readonly random: Random;
  /** Largest IPv4 packet that fits the underlay when encapsulated. */
  readonly mtu: number;
  readonly ports: readonly Bound[];
  /** Ports whose packets our programs handle. */
  readonly senders: readonly Bound[];
  readonly onehop: readonly At<Host>[];
  readonly peer: At<Host>;

  constructor(intent: Intent, random: Random, mtu: number) {
    this.intent = intent;
    this.random = random;
    this.mtu = mtu;
    const hosts = [...intent.hosts.values()];
    this.onehop = hosts.filter((h) => h.kind === "onehop");
    this.peer = hosts.find((h) => h.kind === "vxlan-peer")!;
    this.ports = [...intent.ports.values()].filter((p): p is Bound => p.host_id !== undefined);
    this.senders = this.ports.filter((p) => p.host_id !== this.peer.id);
  }

  host(port: Bound): At<Host> {
    return this.intent.hosts.get(port.host_id)!;
  }
  network(port: Port): At<Network> {
    return this.intent.networks.get(port.network_id)!;
  }
  /** A sender, and a port of its VPC that stands in the given relation to it; undefined: there is none just now. */
  pair(fits: (from: Bound, to: Bound) => boolean): { from: Bound; to: Bound } | undefined {
    const from = this.random.pick(this.senders);
    const to = this.random.maybe(this.ports.filter((p) => p.vpc_id === from.vpc_id && fits(from, p)));
    return to && { from, to };
  }
  /** One of the port's own or allowed addresses. */
  source(port: Port): string {
    const range = this.random.chance(20) ? this.random.maybe(port.allowed_addresses) : undefined;
    // The whole Internet may be allowed; a source of it that is a sane one.
    return range === undefined
      ? this.random.pick(port.addresses)
      : range === "0.0.0.0/0"
        ? "8.8.4.4"
        : this.inside(range);
  }
  inside(range: string): string {
    const r = cidr4(range);
    return formatIpv4(r.first + this.random.int(0, sizeOf(r) - 1));
  }

  /** Any of UDP, TCP, ICMP echo and protocols that nobody looks into, with the header fields a guest may choose freely. */
  body(): Body {
    const r = this.random;
    const ip = {
      tos: r.chance(40) ? r.int(0, 255) : 0,
      id: r.int(0, 65535),
      df: r.chance(50),
      ttl: r.int(2, 255),
      options: r.chance(5) ? Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0).subarray(0, r.pick([4, 8])) : new Uint8Array(0),
    };
    return { ip, layers: this.#transport() };
  }

  #transport(): (packet.Spec | Uint8Array)[] {
    const r = this.random;
    const data = r.bytes(r.int(0, 120));
    const port = () => r.int(1024, 65535);
    switch (r.int(0, 9)) {
      case 0:
        return [packet.icmp({ type: r.pick([8, 0]), id: r.int(0, 65535), seq: r.int(0, 65535) }), data];
      case 1:
        return [data];
      case 2:
      case 3:
      case 4:
        return [
          packet.tcp({
            sport: port(),
            dport: port(),
            seq: r.bits(),
            ack: r.bits(),
            flags: r.pick(["A", "PA", "FA", "R"]),
          }),
          data,
        ];
      default:
        return [packet.udp({ sport: port(), dport: port(), ...(r.chance(10) ? { checksum: 0 } : {}) }), data];
    }
  }

  /** An IPv4 frame; now and then padded, as short ones are on real links. */
  frame(src: string, dst: string, ip: Partial<packet.Ipv4>, layers: readonly (packet.Spec | Uint8Array)[]): Uint8Array {
    const tail = this.random.chance(10) ? [packet.trailer(this.random.bytes(this.random.int(1, 20)))] : [];
    return packet.frame(packet.eth({ src, dst }), packet.ipv4(ip), ...layers, ...tail);
  }

  /** From a port to an address: by the gateway, or where `mac` is given, to it. */
  send(
    recipe: string,
    from: Bound,
    to: { address: string; mac?: string; body?: Body; ip?: Partial<packet.Ipv4> },
  ): Case {
    const body = to.body ?? this.body();
    const ip = { ...body.ip, src: this.source(from), dst: to.address, ...to.ip };
    return { at: "guest", recipe, port: from.id, frame: this.frame(from.mac, to.mac ?? GATEWAY_MAC, ip, body.layers) };
  }
}

export const ALL_ONES = "ff:ff:ff:ff:ff:ff";
