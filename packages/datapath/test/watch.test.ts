import { packet } from "@onehop/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  Action,
  ANY,
  Drop,
  HostRig,
  inject,
  OBJECT_DIR,
  Program,
  Stage,
  testRun,
  type WatchedPacket,
  WatchingPrograms,
  Way,
} from "../src/index.ts";
import { datagram, GATEWAY, GUESTS, ip, MTU, makeWorld, NET, TUNNEL, VPC, type World } from "./world.ts";

const FOREVER = 2n ** 63n;
const config = { tunnel_address: TUNNEL[1], host: 1 };
let world: World;
let watching: WatchingPrograms;
beforeAll(() => {
  world = makeWorld();
  watching = new WatchingPrograms({ objectDir: OBJECT_DIR, config, live: world[1].datapath });
  world[1].maps.links.set({ ifindex: 1 }, { slot: GUESTS.web.slot });
});
afterAll(() => {
  watching.close();
  world.close();
});

const send = (frame: Uint8Array) => testRun(watching.programs.from_endpoint, frame);
function told(): WatchedPacket[] {
  const packets: WatchedPacket[] = [];
  watching.drain((p) => packets.push(p));
  return packets;
}

test("A watch tells of a port's packet as it came and as it went, and of the reason of one that was dropped.", () => {
  watching.set(0, { ...ANY, until: FOREVER, slot: GUESTS.web.slot, snap: 2048 });
  const sent = datagram("web", "db");
  const { frame } = send(sent);
  const [came, went] = told();
  expect([came!.way, went!.way]).toEqual([Way.CAME, Way.WENT]);
  expect(Buffer.from(came!.bytes)).toEqual(Buffer.from(sent));
  expect(Buffer.from(went!.bytes)).toEqual(Buffer.from(frame));
  expect(went).toMatchObject({ program: Program.FROM_ENDPOINT, action: Action.HOST, host: 2, vpc: VPC.front });
  expect(went).toMatchObject({ src: ip("web"), dst: ip("db"), sport: 4000, dport: 5000, id: 7, protocol: 17 });
  send(packet.frame(packet.eth({ src: GUESTS.near.mac, dst: GATEWAY }), packet.ipv4({ src: ip("web") }), packet.udp()));
  const [, dropped] = told();
  expect(dropped).toMatchObject({ action: Action.DROP, reason: Drop.SOURCE_MAC, stage: Stage.SOURCE_GUARD });
  watching.clear(0);
});

test("A watch wants what all of its fields say, and nothing once it is over.", () => {
  const wanting = (fields: object) => {
    watching.set(1, { ...ANY, until: FOREVER, ...fields });
    send(datagram("web", "near"));
    return told().length;
  };
  expect(wanting({ vpc: VPC.front })).toBe(2);
  expect(wanting({ vpc: VPC.twin })).toBe(0);
  expect(wanting({ src: ip("web"), dst: ip("near"), protocol: 17, port: 5000, id: 7, ethertype: 0x0800 })).toBe(2);
  expect(wanting({ host: ip("near") })).toBe(2);
  expect(wanting({ host: ip("far") })).toBe(0);
  expect(wanting({ port: 5001 })).toBe(0);
  expect(wanting({ protocol: 6 })).toBe(0);
  expect(wanting({ id: 8 })).toBe(0);
  expect(wanting({ slot: GUESTS.near.slot })).toBe(1);
  expect(wanting({ slot: GUESTS.cache.slot })).toBe(0);
  expect(wanting({ until: 1n })).toBe(0);
  watching.clear(1);
});

test("Bytes beyond what a watch keeps are left out, and told to be missing; an answer passes whatever its addresses.", () => {
  watching.set(2, { ...ANY, until: FOREVER, snap: 40, src: ip("web") });
  send(datagram("web", "near"));
  expect(told().map((p) => [p.captured, p.bytes.length, p.length])).toEqual([
    [40, 40, 49],
    [40, 40, 49],
  ]);
  const gateway = "10.0.1.1";
  send(
    packet.frame(
      packet.eth({ src: GUESTS.web.mac, dst: GATEWAY }),
      packet.ipv4({ src: ip("web"), dst: gateway }),
      packet.icmp({}),
    ),
  );
  expect(told().map((p) => p.action)).toEqual([Action.NONE, Action.REPLY]);
  watching.clear(2);
});

test("What finds no room in the ring is counted; other watches' packets are told beside it.", () => {
  watching.set(3, { ...ANY, until: FOREVER, slot: GUESTS.web.slot, snap: 2048 });
  const large = datagram("web", "near");
  const frame = packet.concat([large, new Uint8Array(1400)]);
  for (let i = 0; i < 2000; i++) send(frame);
  const packets = told();
  expect(packets.length).toBeGreaterThan(2000);
  expect(watching.lost(3)).toBe(4000 - packets.length);
  watching.clear(3);
});

test("Pairs are counted where they are sent, once a packet.", () => {
  watching.set(4, { ...ANY, until: FOREVER, pairs: 1 });
  for (let i = 0; i < 3; i++) send(datagram("web", "db"));
  send(datagram("web", "near"));
  expect(watching.takePairs().sort((a, b) => b.packets - a.packets)).toEqual([
    { vpc: VPC.front, src: ip("web"), dst: ip("db"), packets: 3, bytes: 147 },
    { vpc: VPC.front, src: ip("web"), dst: ip("near"), packets: 1, bytes: 49 },
  ]);
  expect(watching.takePairs()).toEqual([]);
  expect(told()).toEqual([]);
  watching.clear(4);
});

test("A rig over a live host's tables says what that host would do, and counts nothing there.", () => {
  const rig = new HostRig({ config, live: world[1].datapath });
  const before = world[1].maps.port_counters.get(GUESTS.web.slot);
  expect(rig.send(GUESTS.web.slot, datagram("web", "db"))).toMatchObject({ action: "host", host: 2 });
  world[1].maps.destinations.delete({ vpc: VPC.front, address: ip("db") });
  expect(rig.send(GUESTS.web.slot, datagram("web", "db"))).toMatchObject({ reason: "unknown_destination" });
  expect(world[1].maps.port_counters.get(GUESTS.web.slot)).toEqual(before);
  expect([...world[1].maps.drops.entries()].filter(([k]) => k.reason === Drop.UNKNOWN_DESTINATION)).toEqual([]);
  rig.close();
  expect(world[1].maps.endpoints.get(GUESTS.web.slot)).toMatchObject({ mtu: MTU, network: NET.front });
});

test("A frame is put on a device that is there, and refused for one that is not.", () => {
  expect(() => inject(OBJECT_DIR, 1, datagram("web", "near"))).not.toThrow();
  expect(() => inject(OBJECT_DIR, 999_999, datagram("web", "near"))).toThrow("The device 999999 took no packet");
});
