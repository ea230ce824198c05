import { ipBatch } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { Scene } from "@onehop/testkit/netns/scene";
import { echoServer, roundTrips, transfer } from "@onehop/testkit/netns/talk";
import { TapVm } from "@onehop/testkit/netns/tap_vm";
import { listen } from "@onehop/testkit/netns/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ORDINARY = 1514;
const STREAM = 50e6;

let scene: Scene;
/** Machines behind taps, and where each is. */
const vms = {} as Record<"vm1" | "vm2" | "vm3", TapVm>;
const MACHINES = {
  vm1: { host: "h1", address: "10.0.1.11", mac: "0a:00:00:00:01:11" },
  vm2: { host: "h1", address: "10.0.1.12", mac: "0a:00:00:00:01:12" },
  vm3: { host: "h2", address: "10.0.1.13", mac: "0a:00:00:00:01:13" },
} as const;

async function startMachine(name: keyof typeof MACHINES): Promise<TapVm> {
  const { lab } = scene;
  const { host, address, mac } = MACHINES[name];
  const guest = lab.namespaceOf(name);
  await ipBatch([`netns add ${guest}`]);
  const vm = await scene.keep(TapVm.start({ host: lab.host(host).namespace, tap: name, guest, mac, mtu: 1500 }));
  await ipBatch([`address add ${address}/24 dev eth0`, "route add default via 10.0.1.1"], guest);
  return vm;
}

beforeAll(async () => {
  scene = await Scene.up({ hosts: 2 });
  for (const name of ["vm1", "vm2", "vm3"] as const) vms[name] = await startMachine(name);
  await scene.apply({
    vpcs: { v: ["10.0.0.0/16"] },
    networks: { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" },
    ports: {
      vm1: { in: "v/front", ...MACHINES.vm1, adopt: "vm1" },
      vm2: { in: "v/front", ...MACHINES.vm2, adopt: "vm2" },
      vm3: { in: "v/front", ...MACHINES.vm3, adopt: "vm3" },
      near: { in: "v/front", address: "10.0.1.21", host: "h1" },
      far: { in: "v/front", address: "10.0.1.22", host: "h2" },
      back: { in: "v/back", address: "10.0.2.23", host: "h2" },
    },
  });
});
afterAll(() => scene?.close());

interface End {
  readonly namespace: string;
  readonly address: string;
}
function end(name: string): End {
  if (name in vms) {
    const machine = name as keyof typeof MACHINES;
    return { namespace: vms[machine].namespace, address: MACHINES[machine].address };
  }
  const guest = scene.guest(`v-${name}`);
  return { namespace: guest.namespace, address: guest.addresses[0]! };
}

describe("a machine behind a tap", () => {
  test.each([
    ["a tap on its host", "vm1", "vm2", 64],
    ["a veth on its host", "vm1", "near", 64],
    ["a veth on another host", "vm1", "far", 64],
    ["a veth of another network on another host", "vm1", "back", 63],
    ["a tap on another host", "vm1", "vm3", 64],
  ])("exchanges echoes, TCP, UDP and UDP in super-packets with %s", async (_, from, to, ttl) => {
    const server = await scene.keep(echoServer(end(to)));
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      const echoes = await ping({ namespace: end(a).namespace, to: end(b).address, count: 20 });
      expect(echoes).toMatchObject({ sent: 20, received: 20, ttls: [ttl] });
    }
    for (const kind of ["udp", "tcp", "segments"] as const)
      expect(await roundTrips(kind, end(from).namespace, end(to).address), kind).toBe(20);
    await server.stop();
  });

  test.each([
    ["a veth on another host", "far", "vm1"],
    ["a veth of another network on another host", "back", "vm1"],
    ["a tap on another host", "vm3", "vm1"],
    ["a veth on its host", "near", "vm1"],
    ["a tap on its host", "vm2", "vm1"],
  ])("gets super-packets whole from %s", async (_, from, to) => {
    const before = await vms.vm1.seen();
    const { sent, got } = await transfer(end(from).namespace, end(to), STREAM);
    expect(got).toEqual(sent);
    expect(got.bytes).toBe(STREAM);
    const { toGuest } = await vms.vm1.seen();
    expect(toGuest.longest).toBeGreaterThan(10 * ORDINARY);
    // The stream came in far fewer frames than a wire would need: nearly all of it in super-packets.
    expect(toGuest.frames - before.toGuest.frames).toBeLessThan(STREAM / 1460 / 3);
  });

  test.each([
    ["a veth on another host", "far"],
    ["a veth of another network on another host", "back"],
    ["a tap on another host", "vm3"],
    ["a veth on its host", "near"],
  ])("sends super-packets whole to %s", async (_, to) => {
    const before = await vms.vm1.seen();
    const { sent, got } = await transfer(end("vm1").namespace, end(to), STREAM);
    expect(got).toEqual(sent);
    const { fromGuest } = await vms.vm1.seen();
    expect(fromGuest.superPackets).toBeGreaterThan(before.fromGuest.superPackets + 500);
  });

  test("Q21 Q23: puts nothing on the wire for its own host, and one encapsulation for another", async () => {
    const near = await listen(scene.lab, () => transfer(end("vm2").namespace, end("vm1"), 1e6));
    expect(near.encapsulated).toEqual([]);
    const far = await listen(scene.lab, () => transfer(end("vm3").namespace, end("vm1"), 1e6));
    expect(far.encapsulated.length).toBeGreaterThan(0);
    expect(far.encapsulated.filter((e) => e.inner.some((l) => l.kind === "vxlan"))).toEqual([]);
    expect(Math.max(...far.encapsulated.map((e) => e.outer.length))).toBeGreaterThan(10 * ORDINARY);
  });
});
