import { describe, expect, test } from "vitest";
import { PcapReader } from "../src/capture/pcap.ts";
import { demoShape } from "../src/commands/run.ts";
import { type Pair, pairsOf } from "../src/demo/cases.ts";
import { resultOf } from "../src/demo/result.ts";
import { learnsOf } from "../src/demo/row.ts";
import { table } from "../src/demo/table.ts";
import { planFabric } from "../src/fabric/plan.ts";
import type { Guest } from "../src/guests.ts";
import { isLabId, labOfDir, namespaceOf, newLabId } from "../src/names.ts";
import { placeInLab } from "../src/place.ts";
import { parsePing } from "../src/traffic/ping.ts";
import { receivedRate } from "../src/traffic/tcp.ts";

const guest = (name: string, network: string, host: string, vpc = "blue"): Guest => ({
  name: `${vpc}-${name}`,
  namespace: `ohtst-${vpc}-${name}`,
  port_id: `${vpc}/${name}`,
  port: name,
  mac: "0a:00:00:00:00:01",
  addresses: ["10.0.1.10"],
  host,
  project: vpc,
  vpc: "prod",
  vpc_id: vpc,
  vpc_vni: 1,
  network,
  network_id: `${vpc}/${network}`,
  network_vni: 2,
  gateway: "10.0.1.1",
  state: "realised",
});
const names = (pairs: readonly Pair[]): string[] => pairs.map((p) => `${p.from.name} ${p.to.name} ${p.case}`);

describe("names", () => {
  test("an id fits every name it is part of, and is found again in a directory's name", () => {
    for (let i = 0; i < 100; i++) {
      const id = newLabId(() => i / 100);
      expect(isLabId(id)).toBe(true);
      expect(labOfDir(`lab-${id}`)).toBe(id);
    }
    expect(labOfDir("lab-../etc")).toBeUndefined();
    expect(namespaceOf("abc", "h1")).toBe("ohabc-h1");
  });

  test("no two hosts of a fabric share an address or a device of the router", () => {
    const { hosts } = planFabric("abc", { hosts: 250, uplinks: 8, mtu: 1550 });
    const links = hosts.flatMap((h) => h.uplinks);
    const unique = new Set([
      ...hosts.map((h) => h.tunnelAddress),
      ...links.flatMap((l) => [l.address, l.routerAddress, l.routerDevice]),
    ]);
    expect(unique.size).toBe(250 + 250 * 8 * 3);
    expect(Math.max(...links.map((l) => l.routerDevice.length))).toBeLessThanOrEqual(15);
  });

  test.each([{ hosts: 0 }, { hosts: 251 }, { uplinks: 9 }, { mtu: 100 }, { mtu: 65_536 }])(
    "%j is no fabric",
    (wrong) => {
      expect(() => planFabric("abc", { hosts: 1, uplinks: 1, mtu: 1550, ...wrong })).toThrow(RangeError);
    },
  );
});

describe("pairs", () => {
  test("every case is found once for each VPC", () => {
    const guests = ["blue", "green"].flatMap((vpc) => [
      guest("a", "front", "h1", vpc),
      guest("b", "front", "h1", vpc),
      guest("c", "front", "h2", vpc),
      guest("d", "back", "h1", vpc),
      guest("e", "back", "h3", vpc),
    ]);
    expect(names(pairsOf(guests)).slice(0, 4)).toEqual([
      "blue-a blue-b same-net/same-host",
      "blue-a blue-c same-net/cross-host",
      "blue-a blue-d routed/same-host",
      "blue-a blue-e routed/cross-host",
    ]);
    expect(pairsOf(guests)).toHaveLength(8);
  });

  test("guests of two VPCs are never a pair", () => {
    expect(pairsOf([guest("a", "front", "h1", "blue"), guest("a", "front", "h1", "green")])).toEqual([]);
  });
});

describe("which pairs are learned", () => {
  const fabric = planFabric("abc", { hosts: 5, hubs: 2, uplinks: 1, mtu: 1550 });
  const [a, b] = [guest("a", "front", "h1"), guest("b", "back", "h2")];
  const pair = { from: a, to: b, case: "routed/cross-host" } as const;
  const hubs = ["192.0.2.4", "192.0.2.5"];

  test.each([
    ["both ways, where neither host has a port in the other's network", [a, b], { there: true, back: true, hubs }],
    ["one way, where one has", [a, b, guest("c", "back", "h1")], { there: false, back: true, hubs }],
    ["not at all, where both have", [a, b, guest("c", "back", "h1"), guest("d", "front", "h2")], undefined],
  ])("%s", (_, guests, learns) => {
    expect(learnsOf(pair, { fabric, guests })).toEqual(learns);
    const without = planFabric("abc", { hosts: 5, hubs: 1, uplinks: 1, mtu: 1550 });
    expect(learnsOf(pair, { fabric: without, guests })).toBeUndefined();
  });

  test.each([
    [{}, { hosts: 5, hubs: 2 }],
    [{ hosts: 3 }, { hosts: 3, hubs: 0 }],
    [{ hosts: 8 }, { hosts: 8, hubs: 2 }],
    [{ hubs: 0 }, { hosts: 3, hubs: 0 }],
    [{ hubs: 4 }, { hosts: 7, hubs: 4 }],
    [
      { hosts: 4, hubs: 2 },
      { hosts: 4, hubs: 2 },
    ],
  ])("in a demonstration of %j, that is %j", (asked, shape) => {
    expect(demoShape(asked)).toEqual(shape);
  });
});

describe("placing a file in a lab", () => {
  test("only the namespaces change", () => {
    const text = "# who\nkind: Port\nspec:\n  device: {kind: veth, namespace: web}\n---\nkind: Vpc\nspec: {}\n";
    const placed = placeInLab(text, "abc");
    expect(placed).toBe(text.replace("web", "ohabc-web"));
  });
});

describe("reading what tools say", () => {
  test("ping's counts, mean and TTLs", () => {
    const text = `64 bytes from 10.0.1.12: icmp_seq=1 ttl=64 time=0.07 ms
--- 10.0.1.12 ping statistics ---
20 packets transmitted, 19 received, 5% packet loss, time 190ms
rtt min/avg/max/mdev = 0.040/0.0514/0.070/0.01 ms`;
    expect(parsePing(text)).toEqual({ sent: 20, received: 19, rttUs: 51, ttls: [64] });
    expect(parsePing("ping: connect: Network is unreachable")).toEqual({
      sent: 0,
      received: 0,
      rttUs: undefined,
      ttls: [],
    });
  });

  test("iperf3's rate, and none where it failed", () => {
    expect(receivedRate('{"end":{"sum_received":{"bits_per_second":9.5e9}}}')).toBe(9.5e9);
    expect(receivedRate('{"error":"unable to connect"}')).toBeUndefined();
    expect(receivedRate("")).toBeUndefined();
  });

  test("a capture that comes byte by byte", () => {
    const file = Buffer.alloc(24 + 16 + 4);
    file.writeUInt32LE(0xa1b2c3d4, 0);
    file.writeUInt32LE(276, 20);
    file.writeUInt32LE(7, 24);
    file.writeUInt32LE(5, 28);
    file.writeUInt32LE(4, 32);
    file.writeUInt32LE(60, 36);
    file.write("abcd", 40);
    const reader = new PcapReader();
    const found = [...file].flatMap((byte) => reader.push(Uint8Array.of(byte)));
    expect(found).toEqual([{ time: 7_000_005, bytes: Uint8Array.from(Buffer.from("abcd")) }]);
    expect(reader.linkType).toBe(276);
  });
});

describe("the result", () => {
  const row = {
    from: "blue/web-1",
    to: "blue/web-3",
    case: "same-net/cross-host",
    path: "h1 → h2",
    rtt_us: 41,
    tcp_gbps: 9.81,
    encapsulations: 1,
    first_packet: null,
    ok: true,
    problems: [],
  } as const;

  test("is not ok where a case is missing, even when every row is", () => {
    const result = resultOf([row], { crossed: 0, lost: 0, sent: 10, wire: [] }, []);
    expect(result.ok).toBe(false);
    expect(result.promises).toMatchObject({ Q1: false, Q2: true, Q13: false });
  });

  test("is not ok where one packet crossed", () => {
    const rows = (["same-net/same-host", "same-net/cross-host", "routed/same-host", "routed/cross-host"] as const).map(
      (c) => ({ ...row, case: c }),
    );
    const isolation = { crossed: 0, lost: 0, sent: 10, wire: [] };
    expect(resultOf(rows, isolation, []).ok).toBe(true);
    expect(resultOf(rows, { ...isolation, crossed: 1 }, [])).toMatchObject({ ok: false, promises: { Q2: false } });
    expect(resultOf(rows, undefined, []).cross_vpc_packets).toBeNull();
  });

  test("tells of learning only where a pair was learned", () => {
    const learned = { ...row, case: "routed/cross-host", first_packet: { encapsulations: 2, hub: "h4" } } as const;
    const promisesOf = (...rows: Parameters<typeof resultOf>[0]) => resultOf(rows, undefined, []).promises;
    expect(Object.keys(promisesOf(row))).not.toContain("Q29");
    expect(promisesOf(row, learned)).toMatchObject({ Q29: true, Q30: true });
    expect(promisesOf(learned, { ...learned, ok: false })).toMatchObject({ Q29: false, Q30: false });
    expect(table(resultOf([learned], undefined, []))).toContain("1 encapsulation; the first packet 2, by hub h4");
  });

  test("reads as a table", () => {
    const text = table(resultOf([row], { crossed: 0, lost: 0, sent: 1, wire: [] }, ["h9 is away"]));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours, where the runner has a terminal
    const plain = text.replace(/\x1b\[\d+m/g, "");
    expect(plain).toContain(
      "blue/web-1  blue/web-3  same-net/cross-host  h1 → h2  0.041 ms    9.8 Gb/s  1 encapsulation  ✓",
    );
    expect(plain).toContain("Cross-VPC packets: 0");
    expect(plain).toContain("✗ h9 is away");
  });
});
