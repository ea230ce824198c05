import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { packet } from "@onehop/core";
import { run } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { carries, note, type Station, station } from "@onehop/testkit/netns/frames";
import type { Nic } from "@onehop/testkit/netns/nic";
import { Scene } from "@onehop/testkit/netns/scene";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** The bridge that makes the kernel leave room for headers: docs/decisions/0008. */
const ROOM = "oh-room";
const CLOSED = { locked: true, isolated: true, learning: false, flood: false, mcast_flood: false, bcast_flood: false };
const PATIENT = { timeout: 20_000 };

interface Link {
  readonly ifname: string;
  readonly master?: string;
  readonly flags: readonly string[];
  readonly linkinfo?: { readonly info_slave_data?: object };
  readonly stats64: { readonly rx: { readonly packets: number }; readonly tx: { readonly packets: number } };
}

let scene: Scene;
let host: string;
/** They are switched among themselves by nobody but the programs. */
let [n1, n2]: [Nic, Nic] = [] as never;

const ip = (...args: string[]): Promise<string> => run(["ip", "-n", host, ...args]);
const links = async (): Promise<Link[]> => JSON.parse(await ip("-j", "-d", "-s", "link", "show"));
const bridge = async (): Promise<Link | undefined> => (await links()).find(({ ifname }) => ifname === ROOM);
const ports = async (): Promise<Link[]> => (await links()).filter(({ master }) => master === ROOM);
const allJoined = async (): Promise<boolean> =>
  (await links()).filter(({ ifname }) => /^oh[0-9a-f]{12}$|^oh-vxlan$/.test(ifname)).every((l) => l.master === ROOM);

/** Frames that a bridge would carry, to one, to groups and to all. */
function frames(from: Station, to: Station): Uint8Array[] {
  const sent = (src: string, dst: string) =>
    packet.frame(packet.eth({ src, dst }), packet.ipv4({ src: from.address, dst: to.address }), "over the bridge");
  return [
    sent(from.mac, to.mac),
    sent(from.mac, "0a:00:00:00:99:99"),
    sent(from.mac, "01:00:5e:00:00:fb"),
    sent(from.mac, "ff:ff:ff:ff:ff:ff"),
    sent("0a:00:00:00:99:98", to.mac),
  ];
}

beforeAll(async () => {
  scene = await Scene.of(
    { hosts: 1 },
    {
      vpcs: { v: ["10.0.0.0/16"] },
      networks: { "v/front": "10.0.1.0/24" },
      ports: {
        a1: { in: "v/front", address: "10.0.1.11", host: "h1" },
        a2: { in: "v/front", address: "10.0.1.12", host: "h1" },
        r1: { in: "v/front", address: "10.0.1.21", host: "h1" },
        r2: { in: "v/front", address: "10.0.1.22", host: "h1" },
      },
    },
  );
  host = scene.lab.host("h1").namespace;
  [n1, n2] = [await scene.nic("v-r1"), await scene.nic("v-r2")];
});
afterAll(() => scene?.close());

const echoes = async (): Promise<number> =>
  (await ping({ namespace: scene.guest("v-a1").namespace, to: "10.0.1.12", count: 3 })).received;
const [r1, r2] = [() => station(scene.guest("v-r1")), () => station(scene.guest("v-r2"))];

describe("the bridge for room", () => {
  test("has every guest's link and the VXLAN device as ports that are closed, and is down", async () => {
    expect((await bridge())?.flags).not.toContain("UP");
    expect(await allJoined()).toBe(true);
    const found = await ports();
    expect(found).toHaveLength(5);
    for (const { linkinfo } of found) expect(linkinfo?.info_slave_data).toMatchObject(CLOSED);
  });

  test("carries nothing when somebody brings it up, whatever the programs decide about a frame", async () => {
    await ip("link", "set", "dev", ROOM, "up");
    const toOther = frames(r1(), r2());
    n1.send(...toOther, note(r1(), r2(), "the last"));
    const came = await n2.until("the last frame", carries("the last"));
    // The programs switch the first frame, and drop the others.
    expect(came).toEqual([toOther[0], came[1]]);
    expect(await n2.rest()).toEqual([]);
    expect(scene.kernel("h1").counts(r1Id()).drops).toMatchObject({ unknown_mac: 1, broadcast: 2, source_mac: 1 });
    expect(await echoes()).toBe(3);
    expect((await bridge())?.stats64.rx.packets).toBe(0);
  });

  test("is the end of what no program takes", async () => {
    const { lab } = scene;
    await lab.agents.get("h1")!.kill();
    rmSync(guard());
    const before = await links();
    const own = `oh${r1Id().slice(-12)}`;
    const of = (list: readonly Link[], name: string) => list.find(({ ifname }) => ifname === name)?.stats64;
    const lost = frames(r1(), r2());
    n1.send(...lost);
    await expect.poll(async () => of(await links(), own)?.rx.packets, PATIENT).toBe(of(before, own)!.rx.packets + 5);
    n2.send(note(r2(), r1(), "the last"));
    expect(await n1.until("the last frame", carries("the last"))).toHaveLength(1);
    const after = await links();
    expect(await n2.rest()).toEqual([]);
    expect(of(after, ROOM)?.rx.packets).toBe(0);
    for (const { ifname } of await ports())
      if (ifname !== own) expect(of(after, ifname)?.tx.packets, ifname).toBe(of(before, ifname)?.tx.packets);
  });

  test("is put right by an agent that starts: gone, half made, or with a port that was opened", async () => {
    await ip("link", "del", "dev", ROOM);
    expect(await echoes()).toBe(3);
    await scene.lab.startAgent("h1");
    await expect.poll(allJoined, PATIENT).toBe(true);
    await scene.lab.agents.get("h1")!.kill();
    await ip("link", "set", "dev", "oh-vxlan", "nomaster");
    const own = `oh${r1Id().slice(-12)}`;
    await ip("link", "set", "dev", own, "type", "bridge_slave", "isolated", "off", "flood", "on");
    await scene.lab.startAgent("h1");
    await expect.poll(allJoined, PATIENT).toBe(true);
    for (const { linkinfo } of await ports()) expect(linkinfo?.info_slave_data).toMatchObject(CLOSED);
    await expect.poll(() => existsSync(guard()), PATIENT).toBe(true);
    n1.send(note(r1(), r2(), "guarded again"));
    expect(await n2.until("the frame", carries("guarded again"))).toHaveLength(1);
  });
});

/** What holds the program on the first card's link. */
const guard = (): string => join(scene.lab.files.pins("h1"), "links", `endpoint_${r1Id()}`);
const r1Id = (): string => scene.guest("v-r1").port_id;
