import { decode } from "./decode.ts";
import type { Icmp, Ipv4, Layer } from "./layers.ts";

/** A frame in one line, for people: `0a:…:01 > 0e:…:01 10.0.1.5 > 10.0.2.6 ttl 64 udp 40000 > 9, 60 bytes`. */
export function describe(frame: Uint8Array): string {
  const words = decode(frame).map(wordsOf).filter(Boolean);
  return `${words.join(" ")}, ${frame.length} bytes`;
}

function wordsOf(layer: Layer): string {
  switch (layer.kind) {
    case "eth":
      return `${layer.src} > ${layer.dst}${layer.vlan === undefined ? "" : ` vlan ${layer.vlan & 0xfff}`}${etherType(layer.type)}`;
    case "arp":
      return layer.op === 1
        ? `who-has ${layer.target_ip} tell ${layer.sender_ip}`
        : `arp op ${layer.op}: ${layer.sender_ip} is-at ${layer.sender_mac}`;
    case "ipv4":
      return ipv4Words(layer);
    case "udp":
      return `udp ${layer.sport} > ${layer.dport}`;
    case "tcp":
      return `tcp ${layer.sport} > ${layer.dport} ${layer.flags || "none"}`;
    case "icmp":
      return icmpWords(layer);
    case "vxlan":
      return `vxlan ${layer.vni}${layer.flags === 8 ? "" : ` flags ${layer.flags}`}`;
    case "payload":
      return `+${layer.data.length}`;
    case "trailer":
      return `padded ${layer.data.length}`;
  }
}

const etherType = (type: number): string =>
  type === 0x0800 || type === 0x0806 ? "" : ` type 0x${type.toString(16).padStart(4, "0")}`;

function ipv4Words(p: Ipv4): string {
  const marks = [p.df && "DF", p.mf && "MF", p.offset > 0 && `offset ${p.offset}`, p.tos > 0 && `tos ${p.tos}`];
  return [`${p.src} > ${p.dst} ttl ${p.ttl}`, ...marks.filter(Boolean)].join(" ");
}

function icmpWords(i: Icmp): string {
  if (i.type === 8 || i.type === 0) return `echo ${i.type === 8 ? "request" : "reply"} ${i.id}/${i.seq}`;
  if (i.type === 3 && i.code === 4) return `fragmentation needed, mtu ${i.seq}, about`;
  if (i.type === 3) return `unreachable code ${i.code}, about`;
  return i.type === 11 ? `time exceeded code ${i.code}, about` : `icmp ${i.type}/${i.code}`;
}
