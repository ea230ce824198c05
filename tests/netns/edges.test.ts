import { type DropList, GATEWAY_MAC, packet, routerMac } from "@onehop/core";
import { type Guest, inNamespace, run, tryRun } from "@onehop/lab";
import { Sniffer } from "@onehop/lab/capture/sniffer";
import { ping } from "@onehop/lab/traffic/ping";
import { carries, errorAbout, gatewayOf, isAt, note, routed, station, whoHas } from "@onehop/testkit/netns/frames";
import { raiseMtu } from "@onehop/testkit/netns/mtu";
import { Nic } from "@onehop/testkit/netns/nic";
import { Scene, tunnelOf } from "@onehop/testkit/netns/scene";
import { transfer } from "@onehop/testkit/netns/talk";
import { layer } from "@onehop/testkit/netns/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

let scene: Scene;
/** `k…` speak with their own kernels, the others with the test's hands; 1 and 2 are on h1, 3 on h2. */
const guests = {} as Record<"k1" | "k3" | "r1" | "r2" | "r3", Guest>;
const nics = {} as Record<"r1" | "r2" | "r3", Nic>;

beforeAll(async () => {
  scene = await Scene.of(
    { hosts: 2 },
    {
      vpcs: { v: ["10.0.0.0/16"] },
      networks: { "v/front": "10.0.1.0/24", "v/back": "10.0.2.0/24" },
      ports: {
        k1: { in: "v/front", address: "10.0.1.11", host: "h1" },
        k3: { in: "v/front", address: "10.0.1.13", host: "h2" },
        r1: { in: "v/front", address: "10.0.1.21", host: "h1" },
        r2: { in: "v/front", address: "10.0.1.22", host: "h1" },
        r3: { in: "v/back", address: "10.0.2.23", host: "h2" },
      },
    },
  );
  for (const name of ["k1", "k3", "r1", "r2", "r3"] as const) guests[name] = scene.guest(`v-${name}`);
  for (const name of ["r1", "r2", "r3"] as const) nics[name] = await scene.nic(`v-${name}`);
});
afterAll(() => scene?.close());

const dropsOf = (name: keyof typeof guests) => scene.kernel(guests[name].host).counts(guests[name].port_id).drops;

/** What r1 gets for these frames: everything up to the answer to a last question. */
async function answersTo(...frames: Uint8Array[]): Promise<Uint8Array[]> {
  const last = isAt(station(guests.r1), gatewayOf(guests.r1));
  nics.r1.send(...frames, whoHas(station(guests.r1), guests.r1.gateway));
  const got = await nics.r1.until("the last answer", (_, f) => Buffer.from(last).equals(f));
  return got.slice(0, -1);
}

describe("the gateway", () => {
  test.each(["10.0.1.1", "10.0.2.1"])(
    "answers an echo to %s, whatever network it is the gateway of",
    async (address) => {
      const ip = { src: guests.r1.addresses[0]!, dst: address };
      const echo = (type: number, eth: { src: string; dst: string }, way: typeof ip) =>
        packet.frame(
          packet.eth(eth),
          packet.ipv4({ ...way, ttl: type ? 7 : 64 }),
          packet.icmp({ type, id: 9, seq: 3 }),
          40,
        );
      const { mac } = guests.r1;
      const request = echo(8, { src: mac, dst: GATEWAY_MAC }, ip);
      expect(await answersTo(request)).toEqual([
        echo(0, { src: GATEWAY_MAC, dst: mac }, { src: address, dst: ip.src }),
      ]);
      const kernels = await ping({ namespace: guests.k1.namespace, to: address, count: 5 });
      expect(kernels).toMatchObject({ sent: 5, received: 5, ttls: [64] });
    },
  );

  test("never answers a probe for the asker's own address, and answers one for another's (RFC 5227)", async () => {
    const prober = { mac: guests.r1.mac, address: "0.0.0.0" };
    const [own, others] = [guests.r1.addresses[0]!, guests.r2.addresses[0]!];
    expect(await answersTo(whoHas(prober, own), whoHas(station(guests.r1), own))).toEqual([]);
    expect(await answersTo(whoHas(prober, others))).toEqual([isAt(prober, station(guests.r2))]);
    expect(await nics.r2.rest()).toEqual([]);
  });

  test("says that a packet's time is exceeded, and the packet goes nowhere", async () => {
    const sent = note(station(guests.r1), station(guests.r3), "late", { routed: true, ttl: 1 });
    expect(await answersTo(sent)).toEqual([errorAbout(sent, { type: 11, code: 0 }, "10.0.1.1")]);
    const { stdout } = await tryRun(inNamespace(guests.k1.namespace, ["ping", "-c1", "-t1", "10.0.2.23"]));
    expect(stdout).toContain("From 10.0.1.1 icmp_seq=1 Time to live exceeded");
    expect(await nics.r3.rest()).toEqual([]);
  });

  test.each([
    ["a host", "10.0.1.99", 1],
    ["a host of no network", "10.0.77.1", 1],
    ["a net", "8.8.8.8", 0],
  ])("says that %s cannot be reached", async (_, address, code) => {
    const sent = note(station(guests.r1), { mac: "", address }, "whither", { routed: true });
    expect(await answersTo(sent)).toEqual([errorAbout(sent, { type: 3, code }, "10.0.1.1")]);
  });
});

describe("size", () => {
  beforeAll(async () => {
    for (const name of ["k1", "k3", "r1"] as const) await raiseMtu(scene.lab, guests[name], 1600);
  });

  test.each([
    ["with DF", true],
    ["without DF", false],
  ])("an oversized packet %s is answered with the size that fits, and goes nowhere", async (_, df) => {
    const ip = { src: guests.r1.addresses[0]!, dst: guests.r3.addresses[0]!, df };
    const to = packet.eth({ src: guests.r1.mac, dst: GATEWAY_MAC });
    const ofSize = (size: number) => packet.frame(to, packet.ipv4(ip), packet.icmp({ type: 0 }), size - 28);
    const answers = await answersTo(ofSize(1501));
    expect(answers).toEqual([errorAbout(ofSize(1501), { type: 3, code: 4, mtu: 1500 }, "10.0.1.1")]);
    expect(await answersTo(ofSize(1500))).toEqual([]);
    const arrived = await nics.r3.until("what fits", () => true);
    expect(arrived).toEqual([routed(ofSize(1500), { src: GATEWAY_MAC, dst: guests.r3.mac })]);
    expect(await nics.r3.rest()).toEqual([]);
  });

  test("a guest that sends too much learns the path's MTU", async () => {
    const echo = (size: number) =>
      tryRun(inNamespace(guests.k1.namespace, ["ping", "-c1", "-W1", "-M", "do", "-s", `${size}`, "10.0.1.13"]));
    expect((await echo(1473)).stdout).toContain("From 10.0.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1500)");
    const route = await run(["ip", "-n", guests.k1.namespace, "route", "get", "10.0.1.13"]);
    expect(route).toContain("mtu 1500");
    expect((await echo(1472)).stdout).toContain("1 received");
  });

  test("the MSS that a SYN offers is lowered to what crosses, on both ways, and a stream arrives whole", async () => {
    const ears = await Promise.all(
      [guests.k1, guests.k3].map(({ namespace }) =>
        Sniffer.start({ namespace, device: "eth0", inward: true, filter: "tcp" }),
      ),
    );
    const { sent, got } = await transfer(
      guests.k1.namespace,
      { namespace: guests.k3.namespace, address: "10.0.1.13" },
      5e6,
    );
    expect(got).toEqual(sent);
    for (const [i, flags] of (["SA", "S"] as const).entries()) {
      await ears[i]!.end();
      const syns = ears[i]!.result()
        .map((s) => layer(s.layers, "tcp"))
        .filter((t) => t.flags === flags);
      // Option 2, four bytes long: 1500 less the headers.
      expect(syns.map((t) => [...t.options.subarray(0, 4)])).toEqual([[2, 4, 1460 >> 8, 1460 & 255]]);
    }
  });
});

describe("what is not a guest's own", () => {
  test("is dropped with its reason: another's MAC, address, and ARP in another's name", async () => {
    const [own, other] = [station(guests.r1), station(guests.r2)];
    const spoofs: [reason: "source_mac" | "source_address" | "arp_source", frame: Uint8Array][] = [
      ["source_mac", note({ ...own, mac: "0a:66:66:66:66:66" }, other, "spoof")],
      ["source_address", note({ ...own, address: "10.0.1.66" }, other, "spoof")],
      ["source_address", note({ ...own, address: guests.k3.addresses[0]! }, other, "spoof")],
      ["arp_source", whoHas(own, "10.0.1.22", { sender_mac: guests.k3.mac })],
      ["arp_source", whoHas(own, "10.0.1.22", { sender_ip: guests.k3.addresses[0]! })],
    ];
    for (const [reason, frame] of spoofs) {
      const before = dropsOf("r1");
      expect(await answersTo(frame)).toEqual([]);
      expect(dropsOf("r1")).toEqual({ ...before, [reason]: (before[reason] ?? 0) + 1 });
    }
    expect(await nics.r2.rest()).toEqual([]);
    // The agent takes the events as they come, and tells them by port and reason.
    const { body } = await scene.lab.client.request("GET", `/v1/drops?port_id=${guests.r1.port_id}`);
    const told = (body as DropList).items;
    expect(told.map((d) => d.reason)).toEqual(expect.arrayContaining(spoofs.map(([reason]) => reason)));
    expect(new Set(told.map((d) => d.port?.id))).toEqual(new Set([guests.r1.port_id]));
    // Events are some for each port and second; the tests before may have had this second's.
    expect(told.some((d) => d.example !== undefined)).toBe(true);
  });

  test("is dropped where it comes from a host that is none of ours, and counted", async () => {
    const { uplinks, namespace } = scene.lab.host("h1");
    const router = await scene.keep(Nic.open(scene.lab.fabric.namespace, uplinks[0]!.routerDevice));
    const [link] = JSON.parse(await run(["ip", "-j", "-n", namespace, "link", "show", uplinks[0]!.device]));
    const inner = note(station(guests.r3), station(guests.r1), "from afar", { ttl: 63 });
    const from = (tunnel: string): Uint8Array =>
      packet.frame(
        packet.eth({ src: router.mac, dst: (link as { address: string }).address }),
        packet.ipv4({ src: tunnel, dst: tunnelOf(scene.lab, "h1"), df: true }),
        packet.udp({ sport: 50_000, dport: packet.VXLAN_PORT }),
        packet.vxlan({ vni: guests.r1.vpc_vni }),
        routed(inner, { src: routerMac(2), dst: routerMac(1) }, 0),
      );
    router.send(from("192.0.2.77"), from(tunnelOf(scene.lab, "h2")));
    // The same packet of a known host follows it, and is the only one that comes.
    const got = await nics.r1.until("the known host's", carries("from afar"));
    expect(got).toEqual([routed(inner, { src: GATEWAY_MAC, dst: guests.r1.mac }, 0)]);
    expect(await nics.r1.rest()).toEqual([]);
    expect(scene.kernel("h1").strayDrops()).toEqual({ unknown_host: 1 });
  });
});

describe("a flood of ARP at one port", () => {
  test("is cut at its own port, and costs another's ARP and traffic nothing", async () => {
    const [flooder, other] = [station(guests.r1), station(guests.r2)];
    const question = whoHas(other, guests.r2.gateway);
    const [, , echoes] = await Promise.all([
      nics.r1.flood(whoHas(flooder, "10.0.1.13"), { count: 40_000, rate: 20_000 }),
      nics.r2.flood(question, { count: 100, rate: 60 }),
      ping({ namespace: guests.k1.namespace, to: "10.0.1.13", count: 100, intervalMs: 15 }),
    ]);
    expect(echoes).toMatchObject({ sent: 100, received: 100 });
    nics.r2.send(note(other, other, "after the flood"));
    const answers = await nics.r2.until("the last frame", carries("after the flood"));
    expect(answers.slice(0, -1)).toEqual(Array(100).fill(isAt(other, gatewayOf(guests.r2))));
    expect(dropsOf("r1").class_limit).toBeGreaterThan(35_000);
    for (const name of ["r2", "k1"] as const) expect(dropsOf(name).class_limit).toBeUndefined();
    expect(dropsOf("r1").class_limit! + (await nics.r1.rest()).length).toBe(40_000);
  });
});
