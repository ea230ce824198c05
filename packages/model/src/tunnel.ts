import { type Host, packet } from "@onehop/core";
import { SOURCE_PORTS } from "./outcome.ts";

/** The frame in VXLAN from host to host (RFC 7348): never fragmented, TOS as inside (RFC 6040 section 4.1). */
export function encapsulate(inner: Uint8Array, way: { from: Host; to: Host; vni: number }): Uint8Array {
  const [, ip] = packet.decode(inner);
  return packet.frame(
    packet.eth({}),
    packet.ipv4({
      src: way.from.tunnel_address,
      dst: way.to.tunnel_address,
      ttl: 64,
      df: true,
      tos: ip?.kind === "ipv4" ? ip.tos : 0,
    }),
    packet.udp({ sport: SOURCE_PORTS.first, dport: packet.VXLAN_PORT }),
    packet.vxlan({ vni: way.vni }),
    inner,
  );
}

/** What is inside a frame for this host's tunnel. `not_ours`: it is none. `broken`: not a header that is accepted. */
export type Opened =
  | { readonly kind: "not_ours" }
  | { readonly kind: "broken" }
  | {
      readonly kind: "inside";
      readonly src: string;
      readonly tos: number;
      readonly vni: number;
      readonly inner: Uint8Array;
    };

/** The VNI's flag must be set; all reserved bits are ignored (RFC 7348 section 5). */
const VNI_VALID = 0x08;

export function open(frame: Uint8Array, tunnelAddress: string): Opened {
  const [eth, ip, udp, vxlan] = packet.decode(frame);
  if (eth?.kind !== "eth" || eth.vlan !== undefined || ip?.kind !== "ipv4") return { kind: "not_ours" };
  if (ip.dst !== tunnelAddress || udp?.kind !== "udp" || udp.dport !== packet.VXLAN_PORT) return { kind: "not_ours" };
  const start = 14 + ip.ihl * 4;
  const end = start + udp.length;
  if (ip.mf || vxlan?.kind !== "vxlan" || (vxlan.flags & VNI_VALID) === 0) return { kind: "broken" };
  if (14 + ip.length > frame.length || end > 14 + ip.length || udp.length < 16) return { kind: "broken" };
  return { kind: "inside", src: ip.src, tos: ip.tos, vni: vxlan.vni, inner: frame.subarray(start + 16, end) };
}
