import { DROP_REASON_NAMES, type DropReason } from "@onehop/core";
import { expect, test } from "vitest";
import type { DropEvent } from "../kernel/kernel.ts";
import { DropLog, type PortAt } from "./drop_log.ts";

const START = Date.UTC(2026, 0, 1);
const PORTS: Record<number, PortAt> = {
  1: { port_id: "11111111-1111-4111-8111-111111111111", vpc: 5000 },
  2: { port_id: "22222222-2222-4222-8222-222222222222", vpc: 6000 },
};
const portOf = (slot: number): PortAt | undefined => PORTS[slot];
const count = (slot: number | undefined, reason: DropReason, packets: number) => ({
  slot,
  reason,
  packets,
  bytes: 60 * packets,
});

const event = (slot: number, reason: DropReason, more: Partial<DropEvent> = {}): DropEvent => ({
  time: 0n,
  port: PORTS[slot]?.port_id ?? "00000000-0000-0000-0000-000000000000",
  vpc: PORTS[slot]?.vpc ?? 0,
  vni: 1,
  ifindex: 1,
  length: 60,
  src: "10.0.1.5",
  dst: "10.0.2.6",
  src_mac: "0a:00:00:00:00:01",
  dst_mac: "0e:00:00:00:00:01",
  sport: 4000,
  dport: 80,
  ethertype: 0x0800,
  protocol: 6,
  reason: DROP_REASON_NAMES.indexOf(reason) + 1,
  class: 1,
  stage: 1,
  program: 1,
  ...more,
});

function logAt() {
  const clock = { now: START };
  return { clock, log: new DropLog(() => clock.now) };
}
const at = (ms: number): string => new Date(START + ms).toISOString();

test("What was dropped before the agent began is told as such; what comes later has its time.", () => {
  const { clock, log } = logAt();
  log.count([count(1, "no_route", 5)], portOf);
  expect(log.rows()).toMatchObject([{ port_id: PORTS[1]!.port_id, packets: 5, since: at(0), since_before: true }]);
  clock.now += 10_000;
  log.count([count(1, "no_route", 5), count(2, "ttl", 1)], portOf);
  const [newer, older] = log.rows();
  expect(newer).toMatchObject({ reason: "ttl", since: at(10_000), last: at(10_000) });
  expect(newer).not.toHaveProperty("since_before");
  expect(older).toMatchObject({ reason: "no_route", last: at(0) });
});

test("An event says when to the millisecond, and gives an example; the counters say how much.", () => {
  const { clock, log } = logAt();
  log.count([], portOf);
  clock.now += 5000;
  log.tell(event(1, "source_address"), (START + 1234) * 1000);
  log.count([count(1, "source_address", 9000)], portOf);
  expect(log.rows()).toEqual([
    {
      port_id: PORTS[1]!.port_id,
      vpc: 5000,
      reason: "source_address",
      packets: 9000,
      bytes: 540_000,
      since: at(1234),
      last: at(1234),
      example: "0a:00:00:00:00:01 > 0e:00:00:00:00:01 10.0.1.5 > 10.0.2.6 tcp 4000 > 80, 60 bytes",
    },
  ]);
  clock.now += 5000;
  log.count([count(1, "source_address", 9001)], portOf);
  expect(log.rows()[0]).toMatchObject({ last: at(10_000) });
});

test("Examples of ARP and of what is no IP are told by what they have.", () => {
  const { log } = logAt();
  const example = (more: Partial<DropEvent>) => {
    log.tell(event(1, "ethertype", more), START * 1000);
    log.count([count(1, "ethertype", 1)], portOf);
    return log.rows()[0]?.example;
  };
  expect(example({ ethertype: 0x0806 })).toContain("arp who-has 10.0.2.6 tell 10.0.1.5");
  expect(example({ ethertype: 0x86dd, src: "::" })).toContain("type 0x86dd");
  expect(example({ protocol: 1, sport: 0, dport: 0 })).toContain("10.0.1.5 > 10.0.2.6 icmp, 60 bytes");
});

test("A flood of one port is one row; rows of other VPCs are told to nobody who asks for his own.", () => {
  const { log } = logAt();
  for (let i = 0; i < 10_000; i++) log.tell(event(1, "class_limit"), START * 1000 + i);
  log.tell(event(2, "no_route"), START * 1000);
  log.tell(event(9, "unknown_host"), START * 1000);
  log.count([count(1, "class_limit", 1e6), count(2, "no_route", 1), count(undefined, "unknown_host", 3)], portOf);
  expect(log.rows()).toHaveLength(3);
  expect(log.rows([6000])).toMatchObject([{ reason: "no_route", packets: 1 }]);
  expect(log.rows([])).toEqual([]);
  expect(log.rows().find((r) => r.reason === "unknown_host")).not.toHaveProperty("port_id");
});

test("Ports that are gone, and counters of a slot given anew, leave no row behind.", () => {
  const { clock, log } = logAt();
  log.count([count(1, "no_route", 5)], portOf);
  log.count([], portOf);
  expect(log.rows()).toEqual([]);
  log.count([count(7, "no_route", 5)], portOf);
  expect(log.rows()).toEqual([]);
  log.count([count(1, "ttl", 50)], portOf);
  clock.now += 1000;
  log.count([count(1, "ttl", 2)], portOf);
  expect(log.rows()).toMatchObject([{ packets: 2, since: at(1000) }]);
});
