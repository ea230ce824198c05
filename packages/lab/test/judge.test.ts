import { GATEWAY_MAC, packet, routerMac } from "@onehop/core";
import { describe, expect, test } from "vitest";
import { type Flow, judge } from "../src/capture/judge.ts";
import type { Seen } from "../src/capture/sniffer.ts";

const { arp, eth, frame, icmp, ipv4, payload, udp, vxlan } = packet;

const MARKER = "row 0001.";
const SWITCHED: Flow = {
  from: { address: "10.0.1.10", host: "h1", tunnel: "192.0.2.1" },
  to: { address: "10.0.1.12", host: "h2", tunnel: "192.0.2.2" },
  vni: 4097,
  routed: false,
  marker: MARKER,
  sent: 1,
};

interface Shape {
  type?: number;
  seq?: number;
  mark?: number;
  outer?: [string, string];
  vni?: number;
  ttl?: number;
  src?: string;
}

const inner = (shape: Shape) => [
  eth({ src: shape.src ?? "0a:00:00:00:00:01", dst: "0a:00:00:00:00:02" }),
  ipv4({ src: "10.0.1.10", dst: "10.0.1.12", ttl: shape.ttl ?? 64 }),
  icmp({ type: shape.type ?? 8, code: 0, id: 1, seq: shape.seq ?? 1 }),
  payload(MARKER.repeat(3)),
];
const shell = (shape: Shape) => [
  eth({ src: "0a:00:00:00:01:01", dst: "0a:00:00:00:01:02" }),
  ipv4({ src: shape.outer?.[0] ?? "192.0.2.1", dst: shape.outer?.[1] ?? "192.0.2.2" }),
  udp({ sport: 50000, dport: 4789 }),
  vxlan({ vni: shape.vni ?? 4097, reserved2: shape.mark ?? 0 }),
];
const seen = (bytes: Uint8Array, direction: "in" | "out" = "in"): Seen => ({
  direction,
  ifindex: 1,
  layers: packet.decode(bytes).slice(1),
  bytes,
});
const tunnelled = (shape: Shape = {}): Seen => seen(frame(...shell(shape), ...inner(shape)));

describe("the judge of the wire", () => {
  test("Q23: one encapsulation between the two hosts is as it must be", () => {
    expect(judge(SWITCHED, [tunnelled(), seen(tunnelled().bytes, "out")])).toEqual({ encapsulations: 1, problems: [] });
  });

  test("Q23: a packet that takes a detour over a third host is counted twice", () => {
    const verdict = judge(SWITCHED, [
      tunnelled({ outer: ["192.0.2.1", "192.0.2.3"] }),
      tunnelled({ outer: ["192.0.2.3", "192.0.2.2"] }),
    ]);
    expect(verdict.encapsulations).toBe(2);
    expect(verdict.problems).toContain(
      "an encapsulated packet went from 192.0.2.1 to 192.0.2.3, not between the two hosts",
    );
  });

  test("a packet within a packet within a packet is refused", () => {
    const twice = seen(frame(...shell({}), ...shell({}), ...inner({})));
    expect(judge(SWITCHED, [twice])).toMatchObject({ encapsulations: 2 });
    expect(judge(SWITCHED, [twice]).problems).toContain("a packet was encapsulated twice");
  });

  test.each<[string, Shape, string]>([
    ["another VNI", { vni: 5000 }, "a packet had VNI 5000, not 4097"],
    ["a TTL that was counted down on a switched path", { ttl: 63 }, "the inner TTL was 63, not 64"],
    ["Q22: the gateway's MAC as source", { src: GATEWAY_MAC }, "the gateway's MAC was a source on the wire"],
  ])("%s is told", (_, shape, problem) => {
    expect(judge(SWITCHED, [tunnelled(shape)]).problems).toEqual([problem]);
  });

  test("a routed packet has the VPC's VNI and one less in its TTL", () => {
    const flow: Flow = { ...SWITCHED, routed: true, vni: 4096 };
    expect(judge(flow, [tunnelled({ vni: 4096, ttl: 63, src: routerMac(1) })]).problems).toEqual([]);
    expect(judge(flow, [tunnelled({ vni: 4096, ttl: 64 })]).problems).toEqual(["the inner TTL was 64, not 63"]);
  });

  test("Q21: same-host traffic on the wire is told, encapsulated or not", () => {
    const flow: Flow = { ...SWITCHED, to: { ...SWITCHED.to, host: "h1", tunnel: "192.0.2.1" } };
    expect(judge(flow, [])).toEqual({ encapsulations: 0, problems: [] });
    expect(judge(flow, [tunnelled()]).problems[0]).toMatch(/^same-host traffic was on the wire/);
    expect(judge(flow, [seen(frame(...inner({})))]).problems[0]).toMatch(/^a packet was on the wire as it is/);
  });

  test("Q15: ARP of guests on the wire is told, ARP of the underlay's links is not", () => {
    const ask = (target: string) =>
      frame(
        eth({ src: "0a:00:00:00:00:01", dst: "ff:ff:ff:ff:ff:ff" }),
        arp({ sender_mac: "0a:00:00:00:00:01", sender_ip: "10.0.1.10", target_ip: target }),
      );
    const crossed = seen(frame(...shell({}), ...packet.decode(ask("10.0.1.12"))));
    expect(judge(SWITCHED, [tunnelled(), crossed]).problems[0]).toMatch(/^something other than IPv4/);
    expect(judge(SWITCHED, [tunnelled(), seen(ask("10.0.1.12"))]).problems).toHaveLength(1);
    expect(judge(SWITCHED, [tunnelled(), seen(ask("198.18.1.0"))]).problems).toEqual([]);
  });

  test("a packet that never reached the wire is missed", () => {
    expect(judge({ ...SWITCHED, sent: 2 }, [tunnelled()])).toEqual({
      encapsulations: 0.5,
      problems: ["1 encapsulations were seen for 2 packets, not 1 each"],
    });
  });
});

describe("of a pair that is learned, the judge", () => {
  const [H1, H2, HUB] = ["192.0.2.1", "192.0.2.2", "192.0.2.4"];
  const learns = { there: true, back: false, hubs: [HUB, "192.0.2.5"] };
  const flow: Flow = { ...SWITCHED, routed: true, vni: 4096, sent: 3, learns };
  const routed = { vni: 4096, ttl: 63, src: routerMac(1) };
  const toHub = tunnelled({ ...routed, outer: [H1, HUB], mark: 0x80 });
  const fromHub = tunnelled({ ...routed, outer: [HUB, H2], mark: 0x81 });
  const straight = (seq: number) => tunnelled({ ...routed, seq });
  const message = (f: Partial<packet.LearningMessage>, [src, dst] = [H1, HUB]) => {
    const data = packet.encodeMessage({ kind: "ask", address: "10.0.1.12", ...f }, "00".repeat(16));
    const shell = [eth({}), ipv4({ src, dst }), udp({ sport: 4797, dport: 4797 })];
    return seen(frame(...shell, payload(data)));
  };
  const ask = message({});
  const whole = [ask, toHub, fromHub, straight(2), straight(3)];

  test("Q29 Q30: tells the first packet, by a hub, from those after it, which go straight", () => {
    const first = { encapsulations: 2, hub: HUB, problems: [] };
    expect(judge(flow, whole)).toEqual({ encapsulations: 1, first, problems: [] });
    const probed = [...whole, message({ address: undefined }), message({ kind: "teach" }, [H2, H1])];
    expect(judge(flow, probed).problems).toEqual([]);
  });

  test.each<[string, Seen[], string]>([
    [
      "a second packet by the hub",
      [ask, toHub, fromHub, tunnelled({ ...routed, seq: 2, outer: [H1, HUB] }), straight(3)],
      "an encapsulated packet went from 192.0.2.1 to 192.0.2.4, not between the two hosts",
    ],
    [
      "a first packet that went straight",
      [ask, straight(1), straight(2), straight(3)],
      "the first packet went 192.0.2.1 to 192.0.2.2, not from 192.0.2.1 by a hub to 192.0.2.2",
    ],
    [
      "a first packet by a host that is no hub",
      [ask, tunnelled({ ...routed, outer: [H1, "192.0.2.3"] }), tunnelled({ ...routed, outer: ["192.0.2.3", H2] })],
      "the first packet went 192.0.2.1 to 192.0.2.3 to 192.0.2.2, not from 192.0.2.1 by a hub to 192.0.2.2",
    ],
    ["a first packet without a question", whole.slice(1), "hubs were asked 0 times, not 1"],
    ["a second question", [ask, ...whole], "hubs were asked 2 times, not 1"],
    ["a packet that no hub passed on", [ask, toHub, toHub, straight(2)], "not from 192.0.2.1 by a hub to 192.0.2.2"],
    [
      "another VNI by the hub",
      [ask, tunnelled({ ...routed, vni: 9, outer: [H1, HUB], mark: 0x80 }), fromHub, straight(2), straight(3)],
      "a packet had VNI 9, not 4096",
    ],
    ["a first packet that was not seen", [ask], "no first packet was seen on the wire"],
  ])("tells %s", (_, packets, problem) => {
    expect(judge(flow, packets).problems.join("\n")).toContain(problem);
  });
});
