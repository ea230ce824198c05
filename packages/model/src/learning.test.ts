import { GATEWAY_MAC, packet } from "@onehop/core";
import { IntentBuilder } from "@onehop/testkit/intent_builder";
import { expect, test } from "vitest";
import type { Knowledge, Outcome } from "./index.ts";
import { predict, predictMessage, predictWire, question, told } from "./index.ts";

const { decode, eth, frame, icmp, ipv4, udp } = packet;
const b = new IntentBuilder();
const host = (number: number, roles: readonly ("hub" | "compute")[] = ["compute"]) =>
  b.host({ number, tunnel_address: `192.0.2.${number}`, roles: [...roles] });
const [h1, h2, h3] = [host(1), host(2), host(3)];
const [hubA, hubB] = [host(50, ["hub"]), host(61, ["hub"])];
const vpc = b.vpc({ cidrs: ["10.0.0.0/16"], vni: 5000 });
const front = b.network(vpc, { cidr: "10.0.1.0/24", gateway: "10.0.1.1", vni: 5001 });
const back = b.network(vpc, { cidr: "10.0.2.0/24", gateway: "10.0.2.1", vni: 5002 });
const web = b.port(front, { addresses: ["10.0.1.11"], mac: "0a:00:00:00:00:01", host_id: h1.id });
const db = b.port(back, { addresses: ["10.0.2.22"], mac: "0a:00:00:00:00:02", host_id: h2.id });
// Each host keeps a port, so that it serves the VPC whatever moves.
for (const [n, h] of [h1, h2, h3].entries())
  b.port(front, { addresses: [`10.0.1.${90 + n}`], mac: `0a:00:00:00:09:0${n}`, host_id: h.id });
const intent = b.build();

const hubs = new Set([hubA.id, hubB.id]);
const NOTHING: Knowledge = {
  ...{ epoch: 3, hubs, used: hubs, unheard: false },
  ...{ doubtful: new Map(), learned: new Map(), former: new Map() },
};
const known = (more: Partial<Knowledge> = {}) => new Map([[vpc.id, { ...NOTHING, ...more }]]);
const datagram = (dst: string, more = {}) =>
  frame(eth({ src: web.mac, dst: GATEWAY_MAC }), ipv4({ src: "10.0.1.11", dst, ...more }), udp(), "x");
const send = (dst: string, more: Partial<Knowledge> = {}) =>
  predict(intent, web.id, datagram(dst), { known: known(more) });
const lesson = (at: typeof h1) =>
  new Map([[`${h1.id} 10.0.2.22`, { host: at.id, port: db.id, revision: 7, fresh: false }]]);
const relayed = ({ wire }: Outcome) => decode(wire!.frame)[3];

test("Q29: what nobody was told goes by any hub, with a question, and ends as where all is pushed", () => {
  const o = send("10.0.2.22");
  expect(o.path).toEqual(["route", "hub"]);
  expect([o.wire!, ...o.or!].map((w) => w.to_host)).toEqual([hubA.id, hubB.id]);
  expect(relayed(o)).toMatchObject({ vni: 5000, reserved2: 0x80 });
  expect(o.question).toMatchObject({ to_hosts: [...hubs], message: { kind: "ask", asker: 1, address: "10.0.2.22" } });
  expect(o.result).toEqual(predict(intent, web.id, datagram("10.0.2.22")).result);
  const atHub = predictWire(intent, hubA.id, o.wire!.frame, known());
  expect(atHub).toMatchObject({ path: ["relay"], wire: { to_host: h2.id }, result: o.result });
  expect(relayed(atHub)).toMatchObject({ reserved2: 0x81 });
});

test("Q30: what was learned goes straight, and its host is asked now and then", () => {
  const o = send("10.0.2.22", { learned: lesson(h2) });
  expect(o).toMatchObject({ path: ["route", "learned", "wire"], wire: { to_host: h2.id }, result: { port: db.id } });
  expect(o.or).toBeUndefined();
  expect(o.question!.message).toMatchObject({ port: db.id, epoch: 3, revision: 7n });
});

test("a guest's former host passes its packets on to a hub, which takes them from there", () => {
  const moved = { learned: lesson(h3), former: new Map([["10.0.2.22", h3.id]]) };
  const o = send("10.0.2.22", moved);
  expect(o).toMatchObject({ wire: { to_host: h3.id }, result: { kind: "delivered", port: db.id } });
  const atFormer = predictWire(intent, h3.id, o.wire!.frame, known(moved));
  expect(relayed(atFormer)).toMatchObject({ reserved2: 0x81 });
  const atHub = predictWire(intent, hubA.id, atFormer.wire!.frame, known(moved));
  expect(atHub).toMatchObject({ wire: { to_host: h2.id } });
  // From a host where it never was, no hub takes it.
  const refused = predictWire(intent, hubA.id, atFormer.wire!.frame, known({ learned: lesson(h3) }));
  expect(refused.result).toMatchObject({ reason: "hub_source" });
});

test("a hub that lacks the receiver tries another, once, and one that lacks nothing says so", () => {
  const lacking = (...of: (typeof hubA)[]) => ({ doubtful: new Map(of.map((h) => [h.id, new Set([db.id])])) });
  const one = send("10.0.2.22", lacking(hubA));
  expect(predictWire(intent, hubA.id, one.wire!.frame, known(lacking(hubA))).wire!.to_host).toBe(hubB.id);
  expect(one.result).toMatchObject({ port: db.id });
  expect(send("10.0.2.22", lacking(hubA, hubB)).result).toMatchObject({ reason: "unknown_destination" });
  expect(send("10.0.2.99")).toMatchObject({ path: ["route", "hub"], result: { reason: "unknown_destination" } });
});

test("without a hub what is unknown is dropped for that, and what was learned goes on", () => {
  const none = { used: new Set<string>() };
  expect(send("10.0.2.22", none)).toMatchObject({ path: ["route"], result: { reason: "no_hub" } });
  expect(send("10.0.2.22", { ...none, learned: lesson(h2) }).result).toMatchObject({ port: db.id });
});

test("three times at most is a packet passed on", () => {
  const o = send("10.0.2.22");
  const tired = o.wire!.frame.slice();
  tired[49] = 0x83;
  expect(predictWire(intent, hubA.id, tired, known()).result).toMatchObject({ reason: "hops" });
});

test("a question is taught by who has the port, denied by a whole hub, and answered absent by who was asked straight", () => {
  const ask = (address: string) => question(vpc, h1, { address });
  const at = (to: typeof h1, from: typeof h1, m: ReturnType<typeof ask>) =>
    predictMessage(intent, { at: to.id, from: from.id, message: m }, known());
  expect(at(hubA, h1, ask("10.0.2.22"))).toMatchObject({ to_hosts: [h2.id], message: { kind: "ask", hops: 1 } });
  const teach = { kind: "teach", teller: 2, port: db.id, epoch: 3 };
  expect(at(h2, hubA, { ...ask("10.0.2.22"), hops: 1 })).toMatchObject({ to_hosts: [h1.id], message: teach });
  expect(at(hubA, h1, ask("10.0.2.99"))).toMatchObject({ message: { kind: "unknown", teller: 50 } });
  expect(at(h3, h1, ask("10.0.2.22"))).toMatchObject({ message: { kind: "absent", teller: 3 } });
  expect(at(hubA, h3, ask("10.0.2.22"))).toEqual({ kind: "rejected" });
});

test("the guest is told of an address that nobody has, but not about an error", () => {
  const error = decode(told(intent, web.id, datagram("10.0.2.99"))!);
  expect(error[1]).toMatchObject({ src: "10.0.1.1", dst: "10.0.1.11" });
  expect(error[2]).toMatchObject({ kind: "icmp", type: 3, code: 1 });
  const about = frame(eth({ src: web.mac, dst: GATEWAY_MAC }), ipv4({ src: "10.0.1.11" }), icmp({ type: 3 }));
  expect(told(intent, web.id, about)).toBeUndefined();
});
