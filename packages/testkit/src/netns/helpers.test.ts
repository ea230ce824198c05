import { packet } from "@onehop/core";
import { ipBatch, run } from "@onehop/lab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Nic } from "./nic.ts";
import { echoServer, Flow, paced, roundTrips, transfer } from "./talk.ts";
import { TapVm } from "./tap_vm.ts";

const [HOST, GUEST] = [`oh-kit${process.pid}-h`, `oh-kit${process.pid}-g`];
const MAC = "0a:00:00:00:00:01";

beforeAll(async () => {
  await ipBatch([`netns add ${HOST}`, `netns add ${GUEST}`]);
});
afterAll(() => ipBatch([`netns del ${HOST}`, `netns del ${GUEST}`]));

describe("a tap's machine", () => {
  test("exchanges super-packets and small ones whole with its host, as a program sees and counts", async () => {
    const vm = await TapVm.start({ host: HOST, tap: "tap0", guest: GUEST, mac: MAC, mtu: 1500 });
    await ipBatch(["link set tap0 up", "address add 10.9.0.1/24 dev tap0"], HOST);
    await ipBatch(["address add 10.9.0.2/24 dev eth0"], GUEST);
    const [guest, host] = [
      { namespace: GUEST, address: "10.9.0.2" },
      { namespace: HOST, address: "10.9.0.1" },
    ];
    const server = await echoServer(guest);
    for (const kind of ["udp", "tcp"] as const) expect(await roundTrips(kind, HOST, guest.address)).toBe(20);
    const before = await vm.seen();
    expect(before.toGuest.longest).toBeLessThanOrEqual(1514);
    const into = await transfer(HOST, guest, 20e6);
    const outOf = await transfer(GUEST, host, 20e6);
    expect(into.got).toEqual({ ...into.sent, bytes: 20e6 });
    expect(outOf.got).toEqual(outOf.sent);
    const { toGuest, fromGuest } = await vm.seen();
    for (const way of [toGuest, fromGuest]) {
      expect(way.superPackets).toBeGreaterThan(100);
      expect(way.longest).toBeGreaterThan(10_000);
    }
    const { sent, answered } = await paced(HOST, guest.address, async () => {
      const flow = await Flow.open("tcp", HOST, guest.address);
      expect(await flow.ask(200)).toBe(200);
      await flow.close();
    });
    expect(sent).toBeGreaterThan(0);
    expect(answered).toBe(sent);
    await server.stop();
    await vm.stop();
  });
});

describe("a network card in the test's hands", () => {
  test("sends frames as they are, and hands over every frame that comes in, in order", async () => {
    await run(["ip", "link", "add", "v0", "netns", HOST, "type", "veth", "peer", "name", "eth0", "netns", GUEST]);
    for (const [namespace, device] of [
      [HOST, "v0"],
      [GUEST, "eth0"],
    ] as const)
      await ipBatch([`link set ${device} addrgenmode none up`], namespace);
    const [a, b] = [await Nic.open(HOST, "v0"), await Nic.ofGuest(GUEST)];
    const frames = ["one", "two", "three"].map((text) => packet.frame(packet.eth({ src: a.mac, dst: MAC }), text));
    a.send(...frames);
    await a.flood(frames[0]!, { count: 500, rate: 5000 });
    a.send(frames[2]!);
    const got: Uint8Array[] = [];
    for (let i = 0; i < 2; i++) got.push(...(await b.until("three", (_, f) => Buffer.from(f).includes("three"))));
    expect(got).toHaveLength(504);
    expect(got.slice(0, 3)).toEqual(frames);
    expect(await b.rest()).toEqual([]);
    expect(await a.rest()).toEqual([]);
    await Promise.all([a.close(), b.close()]);
  });
});
