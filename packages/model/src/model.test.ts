import { GATEWAY_MAC, packet, routerMac } from "@onehop/core";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { expect, test } from "vitest";
import { type Outcome, predict, predictWire } from "./index.ts";

const { frame, eth, arp, ipv4, udp, tcp, icmp, vxlan, decode } = packet;

// Two VPCs of equal addresses on two hosts and a plain peer.
const b = new IntentBuilder();
const h1 = b.host({ name: "h1", number: 1, tunnel_address: "192.0.2.1" });
const h2 = b.host({ name: "h2", number: 2, tunnel_address: "192.0.2.2" });
const peer = b.host({ name: "peer", number: 3, tunnel_address: "192.0.2.3", kind: "vxlan-peer" });
const vpc = b.vpc({ cidrs: ["10.0.0.0/16"], vni: 5000 });
const twin = b.vpc({ cidrs: ["10.0.0.0/16"], vni: 6000 });
const front = b.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
const back = b.network(vpc, { cidr: "10.0.2.0/24", gateway: "10.0.2.1", vni: 5002 });
const twinFront = b.network(twin, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 6001 });
const M = (n: number) => `0a:00:00:00:00:0${n}`;
const web = b.port(front, { addresses: ["10.0.1.5", "10.0.1.6"], mac: M(1), host_id: h1.id });
const near = b.port(front, { addresses: ["10.0.1.7"], mac: M(2), host_id: h1.id });
const far = b.port(front, { addresses: ["10.0.1.8"], mac: M(3), host_id: h2.id });
const db = b.port(back, { addresses: ["10.0.2.5"], mac: M(4), host_id: h2.id });
const cache = b.port(back, { addresses: ["10.0.2.6"], mac: M(5), host_id: h1.id });
const plain = b.port(front, { addresses: ["10.0.1.9"], mac: M(6), host_id: peer.id });
const guard = b.port(back, {
  addresses: ["10.0.2.9"],
  mac: M(7),
  host_id: h2.id,
  allowed_addresses: ["172.16.0.0/12"],
});
b.port(back, { addresses: ["10.0.2.77"], mac: M(8) });
const twinWeb = b.port(twinFront, { addresses: ["10.0.1.5"], mac: M(1), host_id: h1.id });
b.route(vpc, { destination: "172.16.0.0/12", next_hop: "10.0.2.9" });
b.route(vpc, { destination: "10.0.200.0/24", next_hop: "10.0.2.9" });
b.route(vpc, { destination: "198.51.100.0/24", next_hop: "10.0.2.250" });
const intent = b.build();

const to = (dst: string, mac: string = GATEWAY_MAC, more: Partial<packet.Ipv4> = {}) =>
  frame(eth({ src: web.mac, dst: mac }), ipv4({ src: "10.0.1.5", dst, ...more }), udp({ dport: 9 }), 20);
const send = (f: Uint8Array) => predict(intent, web.id, f);
const reason = (o: Outcome) => (o.result.kind === "dropped" ? o.result.reason : o.result.kind);
const inner = (o: Outcome) => decode(o.wire!.frame).slice(4);
const answer = (o: Outcome) =>
  decode(
    (o.result.kind === "dropped" ? o.result.answer : o.result.kind === "answered" && o.result.frame) ||
      new Uint8Array(),
  );

test("Q21: a frame for a port of the same network and host is delivered untouched, and nothing is on the wire", () => {
  const f = to("10.0.1.7", near.mac);
  expect(send(f)).toEqual({
    class: "layer2",
    path: ["switch", "local"],
    result: { kind: "delivered", port: near.id, frame: f },
  });
});

test("Within a network a frame crosses with the network's VNI, MACs and TTL untouched", () => {
  const f = to("10.0.1.8", far.mac, { tos: 0xb9 });
  const o = send(f);
  expect(o.result).toEqual({ kind: "delivered", port: far.id, frame: f });
  expect(decode(o.wire!.frame).slice(1, 4)).toMatchObject([
    { src: "192.0.2.1", dst: "192.0.2.2", ttl: 64, df: true, tos: 0xb9, id: 0 },
    { dport: 4789, checksum: 0 },
    { vni: 5001, flags: 8, reserved: 0, reserved2: 0 },
  ]);
});

test("Q23: a routed packet crosses once, with the VPC's VNI, the router MACs and one less TTL", () => {
  const o = send(to("10.0.2.5"));
  expect(o.path).toEqual(["route", "wire"]);
  expect(decode(o.wire!.frame)[3]).toMatchObject({ vni: 5000 });
  expect(inner(o)).toMatchObject([{ src: routerMac(1), dst: routerMac(2) }, { ttl: 63 }, {}, {}]);
  expect(o.result).toMatchObject({ kind: "delivered", port: db.id });
  const last = decode((o.result as { frame: Uint8Array }).frame);
  expect(last).toMatchObject([{ src: GATEWAY_MAC, dst: db.mac }, { ttl: 63 }, {}, {}]);
});

test("Q21: a packet routed to a port of the same host has one less TTL and stays there", () => {
  const o = send(to("10.0.2.6"));
  expect(o).toMatchObject({ path: ["route", "local"], result: { kind: "delivered", port: cache.id } });
  expect(o.wire).toBeUndefined();
});

test("A plain peer gets the network's VNI and its port's MAC", () => {
  expect(inner(send(to("10.0.1.9")))).toMatchObject([{ src: GATEWAY_MAC, dst: plain.mac }, { ttl: 63 }, {}, {}]);
  expect(decode(send(to("10.0.1.9")).wire!.frame)[3]).toMatchObject({ vni: 5001 });
});

test("Q2: the twin VPC's port with the same MAC and address reaches nothing of this one", () => {
  expect(reason(predict(intent, twinWeb.id, to("10.0.1.7", near.mac)))).toBe("unknown_mac");
  expect(reason(predict(intent, twinWeb.id, to("10.0.2.5")))).toBe("unknown_destination");
});

test("Static routes lead to their next hop; the longest match of ranges and routes counts", () => {
  expect(send(to("172.16.9.9"))).toMatchObject({ path: ["via", "wire"], result: { port: guard.id } });
  expect(send(to("10.0.200.1"))).toMatchObject({ path: ["via", "wire"], result: { port: guard.id } });
  expect(reason(send(to("198.51.100.1")))).toBe("next_hop");
});

test("What cannot be reached is dropped with a reason, and the sender is told by the gateway", () => {
  const cases = [
    ["10.0.1.99", "unknown_destination", 1],
    ["10.0.2.77", "unknown_destination", 1],
    ["203.0.113.1", "no_route", 0],
    ["198.51.100.1", "next_hop", 1],
  ] as const;
  for (const [dst, why, code] of cases) {
    const o = send(to(dst, GATEWAY_MAC, { ttl: 1 }));
    expect(reason(o)).toBe(why);
    expect(answer(o)).toMatchObject([
      { src: GATEWAY_MAC, dst: web.mac },
      { src: "10.0.1.1", dst: "10.0.1.5", ttl: 64 },
      { type: 3, code },
      { dst, ttl: 1 },
      {},
      {},
    ]);
  }
});

test("A TTL that ends at the router is answered with time exceeded, but not at the gateway itself", () => {
  const o = send(to("10.0.2.5", GATEWAY_MAC, { ttl: 1 }));
  expect(reason(o)).toBe("ttl");
  expect(answer(o)[2]).toMatchObject({ type: 11, code: 0 });
  const ping = frame(
    eth({ src: web.mac, dst: GATEWAY_MAC }),
    ipv4({ src: "10.0.1.5", dst: "10.0.2.1", ttl: 1 }),
    icmp({ id: 3 }),
  );
  expect(answer(send(ping))).toMatchObject([
    { src: GATEWAY_MAC, dst: web.mac },
    { src: "10.0.2.1", dst: "10.0.1.5", ttl: 64 },
    { type: 0, id: 3, checksum: 0xfffc },
  ]);
});

test("A packet that does not fit the underlay is answered with the size that does, DF or not, unless it stays", () => {
  const big = (dst: string, mac: string, df: boolean) =>
    frame(eth({ src: web.mac, dst: mac }), ipv4({ src: "10.0.1.5", dst, df }), udp({}), 1423);
  for (const df of [true, false])
    for (const f of [big("10.0.1.8", far.mac, df), big("10.0.2.5", GATEWAY_MAC, df)]) {
      expect(reason(send(f))).toBe("too_big");
      expect(answer(send(f))[2]).toMatchObject({ type: 3, code: 4, seq: 1450 });
    }
  expect(reason(send(big("10.0.2.6", GATEWAY_MAC, true)))).toBe("delivered");
});

test("A SYN that leaves the host promises segments that fit, wherever the option stands", () => {
  const syn = (options: Uint8Array) =>
    frame(
      eth({ src: web.mac, dst: GATEWAY_MAC }),
      ipv4({ src: "10.0.1.5", dst: "10.0.2.5" }),
      tcp({ flags: "S", options }),
    );
  for (const options of [Uint8Array.of(2, 4, 5, 180), Uint8Array.of(1, 2, 4, 5, 180, 1, 1, 1)]) {
    const got = predict(intent, web.id, syn(options)).result as { frame: Uint8Array };
    const [e, ip, t] = decode(got.frame) as [packet.Eth, packet.Ipv4, packet.Tcp];
    expect(packet.u16(t.options, t.options.indexOf(4) + 1)).toBe(1410);
    expect(frame(e, ip, { ...t, checksum: undefined })).toEqual(got.frame);
  }
});

test("Q15: ARP is answered for known addresses of the network and for the gateway", () => {
  const ask = (target_ip: string, sender_ip = "10.0.1.5") =>
    send(
      frame(
        eth({ src: web.mac, dst: "ff:ff:ff:ff:ff:ff" }),
        arp({ sender_mac: web.mac, sender_ip, target_ip }),
        packet.trailer(18),
      ),
    );
  for (const [ip, mac] of [
    ["10.0.1.8", far.mac],
    ["10.0.1.9", plain.mac],
    ["10.0.1.1", GATEWAY_MAC],
  ] as const)
    expect(answer(ask(ip))).toMatchObject([
      { src: mac, dst: web.mac },
      { op: 2, sender_mac: mac, sender_ip: ip, target_mac: web.mac, target_ip: "10.0.1.5" },
      { kind: "trailer" },
    ]);
  expect(reason(ask("10.0.2.5"))).toBe("unknown_destination");
  expect(reason(ask("10.0.1.99"))).toBe("unknown_destination");
  expect(answer(ask("10.0.1.8", "0.0.0.0"))[1]).toMatchObject({ target_ip: "0.0.0.0" });
});

test("A probe for the asker's own address is never answered (RFC 5227)", () => {
  for (const sender_ip of ["0.0.0.0", "10.0.1.5"])
    for (const target_ip of ["10.0.1.5", "10.0.1.6"]) {
      const f = frame(
        eth({ src: web.mac, dst: "ff:ff:ff:ff:ff:ff" }),
        arp({ sender_mac: web.mac, sender_ip, target_ip }),
      );
      expect(send(f)).toMatchObject({ path: [], result: { kind: "dropped", reason: "broadcast" } });
    }
});

test("Nobody sends in another's name", () => {
  expect(
    reason(send(frame(eth({ src: near.mac, dst: GATEWAY_MAC }), ipv4({ src: "10.0.1.5", dst: "10.0.2.5" })))),
  ).toBe("source_mac");
  expect(reason(send(to("10.0.2.5", GATEWAY_MAC, { src: "10.0.1.7" })))).toBe("source_address");
  expect(reason(send(to("10.0.2.5", GATEWAY_MAC, { src: "10.0.1.6" })))).toBe("delivered");
  const lie = (a: Partial<packet.Arp>) =>
    reason(
      send(frame(eth({ src: web.mac, dst: near.mac }), arp({ sender_mac: web.mac, sender_ip: "10.0.1.5", ...a }))),
    );
  expect(lie({ sender_mac: near.mac })).toBe("arp_source");
  expect(lie({ sender_ip: "10.0.1.7" })).toBe("arp_source");
  const virtual = arp({ sender_mac: guard.mac, sender_ip: "172.20.0.1", target_ip: near.addresses[0]! });
  const asked = predict(intent, guard.id, frame(eth({ src: guard.mac, dst: "ff:ff:ff:ff:ff:ff" }), virtual));
  expect(reason(asked), "an allowed address may ask ARP as well").toBe("unknown_destination");
  const transit = frame(eth({ src: guard.mac, dst: GATEWAY_MAC }), ipv4({ src: "172.20.0.1", dst: "10.0.1.5" }), udp());
  expect(reason(predict(intent, guard.id, transit))).toBe("delivered");
});

test("What is not carried says why", () => {
  const all = "ff:ff:ff:ff:ff:ff";
  expect(reason(send(to("10.0.1.255", all)))).toBe("broadcast");
  expect(reason(send(to("224.0.0.1")))).toBe("broadcast");
  expect(reason(send(to("169.254.169.254")))).toBe("service");
  expect(reason(send(to("10.0.1.1")))).toBe("service");
  expect(
    reason(
      send(
        frame(eth({ src: web.mac, dst: all }), ipv4({ src: "10.0.1.5", dst: "255.255.255.255" }), udp({ dport: 67 })),
      ),
    ),
  ).toBe("service");
  expect(reason(send(frame(eth({ src: web.mac, dst: GATEWAY_MAC, type: 0x86dd }), 40)))).toBe("ethertype");
  expect(reason(send(frame(eth({ src: web.mac, dst: GATEWAY_MAC, vlan: 5 }), ipv4({}))))).toBe("ethertype");
  expect(reason(send(to("10.0.2.5").subarray(0, 60)))).toBe("malformed");
  expect(reason(send(to("10.0.2.5", "0a:99:99:99:99:99")))).toBe("unknown_mac");
});

test("No ICMP error is sent about ICMP errors, later fragments and multicast", () => {
  const error = frame(
    eth({ src: web.mac, dst: GATEWAY_MAC }),
    ipv4({ src: "10.0.1.5", dst: "10.0.1.99" }),
    icmp({ type: 3 }),
    28,
  );
  for (const f of [error, to("10.0.1.99", GATEWAY_MAC, { offset: 64 }), to("224.0.0.9")])
    expect(send(f).result).toEqual({ kind: "dropped", reason: expect.any(String) });
});

const wire = (f: Uint8Array, vni: number, more: { src?: string; flags?: number; mf?: boolean } = {}) =>
  frame(
    eth({}),
    ipv4({ src: more.src ?? "192.0.2.1", dst: "192.0.2.2", df: true, mf: more.mf }),
    udp({ sport: 50000, dport: 4789 }),
    vxlan({ vni, flags: more.flags ?? 8 }),
    f,
  );
const arrive = (f: Uint8Array, vni: number, more = {}) => reason(predictWire(intent, h2.id, wire(f, vni, more)));

test("A datagram to the port of learning's messages is refused as a message, here where no key is known", () => {
  const outer = ipv4({ src: "192.0.2.1", dst: "192.0.2.2" });
  const datagram = frame(eth({}), outer, udp({ sport: 50000, dport: packet.LEARNING_PORT }), 100);
  expect(reason(predictWire(intent, h2.id, datagram))).toBe("message");
});

test("Forged and foreign tunnel packets are dropped with a reason", () => {
  const routed = (src: string, dst: string) =>
    frame(eth({ src, dst }), ipv4({ src: "10.0.1.5", dst: "10.0.2.5" }), udp());
  const good = routed(routerMac(1), routerMac(2));
  expect(arrive(good, 5000)).toBe("delivered");
  expect(arrive(good, 5000, { src: "192.0.2.99" })).toBe("unknown_host");
  expect(arrive(good, 6000)).toBe("unknown_vni");
  expect(arrive(good, 7777)).toBe("unknown_vni");
  expect(arrive(good, 5000, { src: "192.0.2.3" })).toBe("peer_vni");
  expect(arrive(routed(routerMac(3), routerMac(2)), 5000)).toBe("router_mac");
  expect(arrive(routed(routerMac(1), routerMac(1)), 5000)).toBe("router_mac");
  expect(arrive(to("10.0.1.7", near.mac), 5001)).toBe("not_here");
  expect(arrive(to("10.0.1.8", "ff:ff:ff:ff:ff:ff"), 5001)).toBe("overlay_class");
  expect(arrive(good, 5000, { flags: 0 })).toBe("overlay_header");
  expect(arrive(good, 5000, { mf: true })).toBe("overlay_header");
});

test("A plain peer's ARP is answered through the tunnel, its routed packets reach the ports of this host", () => {
  const ask = (target_ip: string) =>
    predictWire(
      intent,
      h2.id,
      wire(
        frame(
          eth({ src: plain.mac, dst: "ff:ff:ff:ff:ff:ff" }),
          arp({ sender_mac: plain.mac, sender_ip: "10.0.1.9", target_ip }),
        ),
        5001,
        { src: "192.0.2.3" },
      ),
    );
  expect(answer(ask("10.0.1.8")).slice(1)).toMatchObject([
    { src: "192.0.2.2", dst: "192.0.2.3" },
    {},
    { vni: 5001 },
    { src: far.mac, dst: plain.mac },
    { op: 2, sender_ip: "10.0.1.8" },
  ]);
  expect(reason(ask("10.0.1.1"))).toBe("answered");
  expect(reason(ask("10.0.1.5"))).toBe("overlay_class");
  const up = frame(eth({ src: plain.mac, dst: GATEWAY_MAC }), ipv4({ src: "10.0.1.9", dst: "10.0.2.5" }), udp());
  expect(arrive(up, 5001, { src: "192.0.2.3" })).toBe("delivered");
  expect(arrive(up, 5001)).toBe("not_here");
});

test("Everything else on the uplink is left to the host", () => {
  const f = frame(eth({}), ipv4({ src: "192.0.2.1", dst: "192.0.2.2" }), udp({ dport: 53 }), 12);
  expect(reason(predictWire(intent, h2.id, f))).toBe("left");
});

test("Who asks DHCP for an address has none yet, and is not a liar for it", () => {
  const discover = (src: string, dport: number) =>
    reason(
      send(frame(eth({ src: web.mac, dst: GATEWAY_MAC }), ipv4({ src, dst: "255.255.255.255" }), udp({ dport }), 240)),
    );
  expect(discover("0.0.0.0", 67)).toBe("service");
  expect(discover("10.0.1.7", 67)).toBe("source_address");
  expect(discover("0.0.0.0", 53)).toBe("source_address");
});

test("The gateway answers whole echo requests only", () => {
  const ping = (more: Partial<packet.Ipv4>) =>
    reason(
      send(
        frame(eth({ src: web.mac, dst: GATEWAY_MAC }), ipv4({ src: "10.0.1.5", dst: "10.0.1.1", ...more }), icmp({})),
      ),
    );
  expect(ping({})).toBe("answered");
  expect(ping({ mf: true })).toBe("service");
  expect(ping({ offset: 8, protocol: 1 })).toBe("service");
});

test("Congestion that the underlay marked goes on to a guest that can hear of it, and costs others the packet (RFC 6040)", () => {
  const through = (inner: number, outer: number) => {
    const f = to("10.0.1.8", far.mac, { tos: inner });
    const carried = frame(
      eth({}),
      ipv4({ src: "192.0.2.1", dst: "192.0.2.2", tos: outer }),
      udp({ sport: 50000, dport: 4789 }),
      vxlan({ vni: 5001 }),
      f,
    );
    const { result } = predictWire(intent, h2.id, carried);
    return result.kind === "delivered" ? (decode(result.frame)[1] as packet.Ipv4).tos : reason({ result } as Outcome);
  };
  expect(through(2, 2)).toBe(2);
  expect(through(2, 3)).toBe(3);
  expect(through(1, 3)).toBe(3);
  expect(through(0, 2)).toBe(0);
  expect(through(0, 3)).toBe("overlay_header");
});
