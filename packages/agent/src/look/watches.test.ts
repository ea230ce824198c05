import { type Clock, packet, type WatchLimits, type WatchPart } from "@onehop/core";
import { Learns } from "@onehop/datapath/maps.gen";
import { expect, test } from "vitest";
import { FakeKernel } from "../kernel/fake.ts";
import type { Observed, Watching } from "../kernel/kernel.ts";
import { Mirror } from "../reconcile/mirror.ts";
import { Watches } from "./watches.ts";

const [P1, P2] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"] as const;
const LIMITS: WatchLimits = { seconds: 60, packets: 1000, bytes: 1 << 20, snap: 256 };
const FRAME = packet.frame(packet.eth({}), packet.ipv4({ src: "10.0.1.5", dst: "10.0.1.6" }), packet.icmp({}));

class Programs implements Watching {
  readonly wants = new Map<number, object>();
  readonly waiting: Observed[] = [];
  closed = false;
  set(index: number, want: object): void {
    this.wants.set(index, want);
  }
  clear(index: number): void {
    this.wants.delete(index);
  }
  lost(): number {
    return 0;
  }
  drain(onPacket: (p: Observed) => void): void {
    for (const p of this.waiting.splice(0)) onPacket(p);
  }
  takePairs() {
    return [{ vpc: 1, src: "10.0.1.5", dst: "10.0.1.6", packets: 2, bytes: 120 }];
  }
  close(): void {
    this.closed = true;
  }
}

/** Time that stands still until it is turned. */
class Hand implements Clock {
  #now = 0;
  #due: { at: number; fn: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + ms, fn };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((t) => t !== timer);
    };
  }
  turn(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#due.filter((t) => t.at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#due = this.#due.filter((t) => t !== next);
      this.#now = next.at;
      next.fn();
    }
    this.#now = end;
  }
}

function rig() {
  const kernel = new FakeKernel();
  const endpoint = (port: string) => ({
    ...{
      port,
      generation: 1,
      vpc: 5000,
      network: 5001,
      ifindex: 9,
      mtu: 1450,
      address: "10.0.1.5",
      gateway: "10.0.1.1",
    },
    ...{
      mac: "0a:00:00:00:00:01",
      gateway_mac: "0e:00:00:00:00:01",
      device: 1,
      has_allowed: 0,
      learns: Learns.NO,
      near: 0,
    },
  });
  const place = (slot: number, port: string) => {
    kernel.write("endpoints", [[slot, endpoint(port)]]);
    mirror.reread(kernel);
  };
  const mirror = new Mirror();
  place(1, P1);
  place(2, P2);
  const opened: Programs[] = [];
  kernel.openWatch = () => {
    opened.push(new Programs());
    return opened.at(-1)!;
  };
  const clock = new Hand();
  const parts: WatchPart[] = [];
  const watches = new Watches({ host: () => ({ kernel, mirror }), clock, send: (part) => parts.push(part) });
  const capture = (id: number, more: object = {}, limits: Partial<WatchLimits> = {}) =>
    watches.start({
      type: "watch",
      id,
      want: { kind: "capture", port_id: P1, ...more },
      limits: { ...LIMITS, ...limits },
    });
  const see = (more: Partial<Observed> = {}) => {
    const base = {
      watch: 0,
      time: 1,
      program: "from_endpoint",
      class: "layer2",
      stage: "deliver",
      host: 0,
      length: 42,
    } as const;
    const what = { way: "came", action: "none", reason: "none", from: 1, to: undefined, bytes: FRAME } as const;
    opened.at(-1)!.waiting.push({ ...base, ...what, ...more });
    clock.turn(20);
  };
  const told = () => parts.splice(0).flatMap((p) => [...p.packets.map((s) => s.action), ...(p.end ? [p.end] : [])]);
  return { kernel, place, opened, clock, parts, watches, capture, see, told };
}

test("The first watch puts telling programs in place, and the last one's end takes them away.", () => {
  const { opened, watches, capture } = rig();
  capture(1);
  capture(2);
  expect(opened).toHaveLength(1);
  watches.stop(1);
  expect(opened[0]!.closed).toBe(false);
  watches.stop(2);
  expect(opened[0]!.closed).toBe(true);
  capture(3);
  expect(opened).toHaveLength(2);
});

test("A capture has what the guest sent, once, and what it gets; not how that was decided.", () => {
  const { capture, see, told } = rig();
  capture(1);
  see();
  see({ way: "went", action: "host", host: 2 });
  see({ way: "went", action: "guest", from: undefined, to: 1 });
  see({ way: "went", action: "reply" });
  see({ way: "went", action: "drop", stage: "source_guard" });
  see({ way: "went", action: "drop", stage: "parse" });
  see({ way: "went", action: "guest", from: 1, to: 2 });
  expect(told()).toEqual(["none", "guest", "reply", "drop"]);
});

test("The kernel is asked for what every wanted packet has; the filter decides about the rest.", () => {
  const { opened, capture, see, told } = rig();
  capture(1, { filter: "icmp and not dst host 10.0.1.6" });
  expect(opened[0]!.wants.get(0)).toMatchObject({
    protocol: 1,
    ethertype: 0x0800,
    slot: 1,
    vpc: 5000,
    host: "0.0.0.0",
  });
  see();
  expect(told()).toEqual([]);
  expect(() => capture(2, { filter: "icmp and" })).toThrow("its end");
  expect(opened[0]!.wants.size).toBe(1);
});

test.each<[string, Partial<WatchLimits>, number, string]>([
  ["packets", { packets: 2 }, 0, "packets"],
  ["bytes", { bytes: 2 * FRAME.length }, 0, "bytes"],
  ["time", { seconds: 1 }, 1000, "seconds"],
])("A watch ends by itself when its %s are over.", (_, limits, wait, end) => {
  const { opened, clock, capture, see, told } = rig();
  capture(1, {}, limits);
  see();
  see();
  clock.turn(wait);
  expect(told()).toEqual(["none", "none", end]);
  expect(opened[0]!.closed).toBe(true);
});

test("A slot that was given to another port ends the capture, and nothing of the other is told.", () => {
  const { place, capture, see, told } = rig();
  capture(1);
  place(1, "33333333-3333-4333-8333-333333333333");
  see();
  expect(told()).toEqual(["failed"]);
});

test("There is room for eight watches; the ninth is refused, and so is one of a port that is not here.", () => {
  const { capture, watches, opened } = rig();
  expect(() => capture(0, { port_id: "x" })).toThrow("not on this host");
  expect(opened).toEqual([]);
  for (let id = 1; id <= 8; id++) capture(id);
  expect(() => capture(9)).toThrow("8 others watch");
  watches.stopAll();
  expect(opened[0]!.closed).toBe(true);
});

test("Pairs are counted for as long as was asked; who asks meanwhile gets the same answer.", async () => {
  const { watches, clock, opened } = rig();
  const [first, second] = [watches.pairs(2), watches.pairs(9)];
  expect(opened[0]!.wants.get(0)).toEqual({ pairs: 1 });
  clock.turn(2000);
  expect(await first).toBe(await second);
  expect(opened).toHaveLength(1);
  expect(opened[0]!.closed).toBe(true);
});
