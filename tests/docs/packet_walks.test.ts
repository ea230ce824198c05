import { readFileSync, writeFileSync } from "node:fs";
import { GATEWAY_MAC, packet } from "@onehop/core";
import { type Outcome, predict, predictWire } from "@onehop/model";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { expect, it } from "vitest";

// The frames of docs/packet-walks.md, from the reference model; UPDATE_GOLDEN=1 writes them into the page.
const PAGE = new URL("../../docs/packet-walks.md", import.meta.url);
const { frame, eth, arp, ipv4, icmp, describe, decode, hex, vxlan, udp } = packet;

const b = new IntentBuilder();
const h1 = b.host({ name: "h1", number: 1, tunnel_address: "192.0.2.1" });
const h2 = b.host({ name: "h2", number: 2, tunnel_address: "192.0.2.2" });
const peer = b.host({ name: "switch", number: 3, tunnel_address: "192.0.2.3", kind: "vxlan-peer" });
const vpc = b.vpc({ cidrs: ["10.0.0.0/16"], vni: 5000 });
const front = b.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
const back = b.network(vpc, { cidr: "10.0.2.0/24", gateway: "10.0.2.1", vni: 5002 });
const mac = (n: number): string => `0a:00:00:00:00:0${n}`;
const a = b.port(front, { addresses: ["10.0.1.11"], mac: mac(1), host_id: h1.id });
const near = b.port(front, { addresses: ["10.0.1.12"], mac: mac(2), host_id: h1.id });
const far = b.port(front, { addresses: ["10.0.1.13"], mac: mac(3), host_id: h2.id });
const db = b.port(back, { addresses: ["10.0.2.11"], mac: mac(4), host_id: h2.id });
const plain = b.port(front, { addresses: ["10.0.1.14"], mac: mac(5), host_id: peer.id });
const intent = b.build();

const ping = (to: { address: string; mac: string; size?: number; df?: boolean }): Uint8Array =>
  frame(
    eth({ src: a.mac, dst: to.mac }),
    ipv4({ src: "10.0.1.11", dst: to.address, ...(to.df ? { df: true } : {}) }),
    icmp({ type: 8, id: 7, seq: 1 }),
    to.size ?? 8,
  );
const sent = (f: Uint8Array): Outcome => predict(intent, a.id, f);
const wire = (f: Uint8Array): Uint8Array => sent(f).wire!.frame;
const end = (o: Outcome): Uint8Array => {
  if (o.result.kind === "delivered" || o.result.kind === "answered") return o.result.frame;
  return (o.result.kind === "dropped" && o.result.answer) || new Uint8Array();
};

const question = frame(
  eth({ src: a.mac, dst: "ff:ff:ff:ff:ff:ff" }),
  arp({ sender_mac: a.mac, sender_ip: "10.0.1.11", target_ip: "10.0.1.13" }),
);
const toNear = ping({ address: "10.0.1.12", mac: near.mac });
const toFar = ping({ address: "10.0.1.13", mac: far.mac });
const toDb = ping({ address: "10.0.2.11", mac: GATEWAY_MAC });
const toPlain = ping({ address: "10.0.1.14", mac: plain.mac });
const tooBig = ping({ address: "10.0.1.13", mac: far.mac, size: 1472, df: true });
const fromPlain = frame(
  eth({ src: "02:ff:00:00:00:03", dst: "02:ff:00:00:00:01" }),
  ipv4({ src: "192.0.2.3", dst: "192.0.2.1", df: true }),
  udp({ sport: 50000, dport: packet.VXLAN_PORT, checksum: 0 }),
  vxlan({ vni: 5001 }),
  eth({ src: plain.mac, dst: a.mac }),
  ipv4({ src: "10.0.1.14", dst: "10.0.1.11" }),
  icmp({ type: 0, id: 7, seq: 1 }),
  8,
);

const FRAMES: Readonly<Record<string, Uint8Array>> = {
  "arp-question": question,
  "arp-answer": end(sent(question)),
  "same-host": toNear,
  "same-host-delivered": end(sent(toNear)),
  "cross-host": toFar,
  "cross-host-wire": wire(toFar),
  "cross-host-delivered": end(sent(toFar)),
  routed: toDb,
  "routed-wire": wire(toDb),
  "routed-delivered": end(sent(toDb)),
  "peer-wire": wire(toPlain),
  "peer-reply-wire": fromPlain,
  "peer-reply-delivered": end(predictWire(intent, h1.id, fromPlain)),
  "too-big-answer": end(sent(tooBig)),
};

/** Bytes of a frame that are shown: all headers of every case. */
const SHOWN = 112;

/** Sixteen bytes a line with their offset, headed by what they are. */
function dump(f: Uint8Array): string {
  const lines = [describe(f)];
  for (let at = 0; at < Math.min(f.length, SHOWN); at += 16) {
    const bytes = hex(f.subarray(at, at + 16)).replace(/(..)(?=.)/g, "$1 ");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${bytes}`);
  }
  return [...lines, ...(f.length > SHOWN ? ["…"] : [])].join("\n");
}

const BLOCK = /```hex ([\w-]+)\n(.*?)\n?```/gs;

it("Every frame in the packet walks is the one the reference model predicts.", () => {
  const page = readFileSync(PAGE, "utf8");
  const wanted = page.replace(BLOCK, (block, name: string) => {
    const f = FRAMES[name];
    return f ? `\`\`\`hex ${name}\n${dump(f)}\n\`\`\`` : block;
  });
  if (process.env.UPDATE_GOLDEN) writeFileSync(PAGE, wanted);
  else expect(page).toBe(wanted);
  const shown = [...page.matchAll(BLOCK)].map((m) => m[1]).sort();
  expect(shown).toEqual(Object.keys(FRAMES).sort());
});

it("Q23: The walks cross hosts once, from the sender's tunnel address to the receiver's, with one TTL less when routed.", () => {
  const [outer, , , , inner] = decode(wire(toDb)).slice(1);
  expect(outer).toMatchObject({ src: "192.0.2.1", dst: "192.0.2.2", ttl: 64 });
  expect(inner).toMatchObject({ src: "10.0.1.11", dst: "10.0.2.11", ttl: 63 });
  expect(end(sent(toDb))).toHaveLength(toDb.length);
  expect(decode(end(sent(toDb)))[0]).toMatchObject({ src: GATEWAY_MAC, dst: db.mac });
});
