import { packet } from "@onehop/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Class, Constant, Drop, type DropEvent, type HostRig, openEvents } from "../src/index.ts";
import { BROADCAST, datagram, guest, ip, mac, makeWorld, routedTo, type World } from "./world.ts";

const { frame, eth, arp, ipv4, udp } = packet;

let world: World;
let rig: HostRig;
beforeEach(() => {
  world = makeWorld();
  rig = world[1];
});
afterEach(() => world.close());

const SLOT = { web: guest("web").slot, near: guest("near").slot } as const;
const whoHas = (from: "web" | "near", target_ip: string) =>
  frame(eth({ src: mac(from), dst: BROADCAST }), arp({ sender_mac: mac(from), sender_ip: ip(from), target_ip }));
const times = <T>(n: number, f: () => T): T[] => Array.from({ length: n }, f);

it("an ARP flood at one port is held at its limit, and leaves another port's ARP and its own traffic unharmed", () => {
  rig.maps.class_limits.set(Class.ARP, { rate: 1, burst: 5 });
  const reasons = times(50, () => rig.send(SLOT.web, whoHas("web", ip("near"))).reason);
  expect(reasons.slice(0, 5)).toEqual(times(5, () => "none"));
  expect(reasons.filter((r) => r === "class_limit").length).toBeGreaterThanOrEqual(44);
  expect(rig.send(SLOT.near, whoHas("near", ip("web"))).action).toBe("reply");
  expect(rig.send(SLOT.web, datagram("web", "near")).action).toBe("guest");
});

it("a limit is changed while packets flow, and a rate of 0 is none", () => {
  rig.maps.class_limits.set(Class.LAYER2, { rate: 1, burst: 1 });
  const send = () => rig.send(SLOT.web, datagram("web", "near")).reason;
  expect([send(), send()]).toEqual(["none", "class_limit"]);
  rig.maps.class_limits.set(Class.LAYER2, { rate: 0, burst: 0 });
  expect([send(), send()]).toEqual(["none", "none"]);
});

it("a packet over its limit is dropped unmodified, by class and stage", () => {
  rig.maps.class_limits.set(Class.LAYER3, { rate: 1, burst: 0 });
  const f = datagram("web", "db");
  expect(rig.send(SLOT.web, f)).toMatchObject({ reason: "class_limit", class: "layer3", stage: "limit", frame: f });
});

it("errors made here have a limit of their own: beyond it the packet is dropped in silence", () => {
  rig.maps.class_limits.set(Class.ICMP_ERROR, { rate: 1, burst: 3 });
  const lost = routedTo("web", "8.8.8.8");
  const ends = times(10, () => rig.send(SLOT.web, lost));
  expect(ends.map((e) => e.action).slice(0, 4)).toEqual(["reply", "reply", "reply", "drop"]);
  expect(ends[9]).toMatchObject({ reason: "no_route", frame: lost });
});

it("a port's counters say what it sent, what was accepted, what it got, and what was dropped", () => {
  const f = datagram("web", "near");
  rig.send(SLOT.web, f);
  rig.send(SLOT.web, whoHas("web", ip("near")));
  rig.send(SLOT.web, frame(eth({ src: mac("near"), dst: mac("near") }), ipv4({ src: ip("web") }), udp(), 8));
  const web = rig.maps.port_counters.get(SLOT.web);
  expect(web).toMatchObject({ tx_packets: 2, tx_bytes: f.length + 42, rx_packets: 0 });
  expect(web?.class_packets[Class.LAYER2]).toBe(2);
  expect(web?.class_packets[Class.ARP]).toBe(1);
  expect(rig.maps.port_counters.get(SLOT.near)).toMatchObject({ tx_packets: 0, rx_packets: 1, rx_bytes: f.length });
  expect(rig.maps.drops.get({ slot: SLOT.web, reason: Drop.SOURCE_MAC })?.packets).toBe(1);
});

it("a packet answered with an error counts as dropped and not as accepted", () => {
  const f = routedTo("web", "8.8.8.8");
  rig.send(SLOT.web, f);
  expect(rig.maps.drops.get({ slot: SLOT.web, reason: Drop.NO_ROUTE })).toEqual({ packets: 1, bytes: f.length });
  expect(rig.maps.port_counters.get(SLOT.web)).toMatchObject({ tx_packets: 0 });
});

it("what crosses counts the guest's bytes at both ends, without the tunnel's", () => {
  const f = datagram("web", "far");
  world[2].receive(rig.send(SLOT.web, f).frame);
  expect(rig.maps.port_counters.get(SLOT.web)).toMatchObject({ tx_packets: 1, tx_bytes: f.length });
  expect(world[2].maps.port_counters.get(guest("far").slot)).toMatchObject({ rx_packets: 1, rx_bytes: f.length });
});

it("the host's own traffic is neither counted nor told", () => {
  rig.receive(frame(eth({}), ipv4({ dst: "192.0.2.1" }), udp({ dport: 53 }), 40));
  expect([...rig.maps.drops.keys()]).toEqual([]);
});

it("a flood of drops is counted in full and told some ten times a second for each port", () => {
  const bad = routedTo("web", "169.254.169.254");
  times(300, () => rig.send(SLOT.web, bad));
  rig.send(SLOT.near, routedTo("near", "169.254.169.254"));
  const told: DropEvent[] = [];
  const reader = openEvents(rig.datapath.fds);
  reader.drain((event) => told.push(event));
  reader.close();
  expect(rig.maps.drops.get({ slot: SLOT.web, reason: Drop.SERVICE })?.packets).toBe(300);
  // The second may turn while they are sent.
  expect(told.length).toBeGreaterThanOrEqual(11);
  expect(told.length).toBeLessThanOrEqual(31);
  expect(told.at(-1)).toMatchObject({ dst: "169.254.169.254", dport: 5000, protocol: 17, ethertype: 0x0800 });
});

it("Q12: ten thousand flows have five thousand source ports or more, spread over what a network card hashes", () => {
  const ports = new Map<number, number>();
  for (let i = 0; i < 10_000; i++) {
    const f = frame(
      eth({ src: mac("web"), dst: mac("far") }),
      ipv4({ src: ip("web"), dst: ip("far") }),
      udp({ sport: 1024 + (i % 100), dport: 2000 + Math.floor(i / 100) }),
    );
    const port = packet.u16(rig.send(SLOT.web, f).frame, 34);
    ports.set(port, (ports.get(port) ?? 0) + 1);
  }
  expect(ports.size).toBeGreaterThanOrEqual(5000);
  expect(Math.min(...ports.keys())).toBeGreaterThanOrEqual(49152);
  const queues = new Array<number>(8).fill(0);
  for (const [port, flows] of ports) queues[toeplitz(port) % 8]! += flows;
  expect(Math.max(...queues) / (10_000 / 8)).toBeLessThan(1.5);
});

it("Q12: packets of one flow have one source port, and all fragments of a packet", () => {
  const port = (f: Uint8Array) => packet.u16(rig.send(SLOT.web, f).frame, 34);
  const part = (more: Partial<packet.Ipv4>) =>
    port(
      frame(
        eth({ src: mac("web"), dst: mac("far") }),
        ipv4({ src: ip("web"), dst: ip("far"), protocol: 17, ...more }),
        64,
      ),
    );
  expect(port(datagram("web", "far", { id: 1 }))).toBe(port(datagram("web", "far", { id: 2, tos: 4 })));
  expect(part({ mf: true })).toBe(part({ offset: 64 }));
});

/** The key that network cards ship with, over source and destination address and port (Microsoft RSS). */
const KEY = packet.fromHex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa");
function toeplitz(sport: number): number {
  const input = Uint8Array.of(192, 0, 2, 1, 192, 0, 2, 2, sport >>> 8, sport & 255, 0x12, 0xb5);
  let hash = 0;
  for (let bit = 0; bit < input.length * 8; bit++)
    if ((input[bit >> 3]! >> (7 - (bit & 7))) & 1) hash ^= keyWindow(bit);
  return hash >>> 0;
}
function keyWindow(bit: number): number {
  let word = 0;
  for (let i = 0; i < 32; i++) word = (word << 1) | ((KEY[(bit + i) >> 3]! >> (7 - ((bit + i) & 7))) & 1);
  return word;
}

it("every kind of frame, cut at every byte, is dropped unmodified with a reason, or carried as what it says it is", () => {
  const kinds = [
    ...(["near", "far", "cache", "db", "plain"] as const).map((to) => datagram("web", to)),
    whoHas("web", ip("near")),
    routedTo("web", "8.8.8.8"),
  ];
  for (const whole of kinds)
    for (let length = 34; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      expect(rig.send(SLOT.web, cut)).toMatchObject({ action: "drop", reason: "malformed", frame: cut });
    }
  const onWire = rig.send(SLOT.web, datagram("web", "far")).frame;
  for (let length = 34; length < onWire.length; length++) {
    const cut = onWire.slice(0, length);
    const end = world[2].receive(cut);
    expect(end).toMatchObject(length < 42 ? { action: "stack" } : { action: "drop", reason: "overlay_header" });
    expect(end.frame).toEqual(cut);
  }
});

it("a slot that is another VPC's by now takes nothing", () => {
  const web = rig.maps.endpoints.get(SLOT.near)!;
  rig.maps.endpoints.set(SLOT.near, { ...web, vpc: 6000 });
  expect(rig.send(SLOT.web, datagram("web", "near"))).toMatchObject({ reason: "device_gone", slot: SLOT.web });
  expect(rig.send(undefined, datagram("web", "near"))).toMatchObject({ slot: Constant.NO_SLOT });
});
