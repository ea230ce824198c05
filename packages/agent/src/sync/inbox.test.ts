import type { Clock, Lacking, Slice, SliceId } from "@onehop/core";
import { differenceFrame, sliceFrame } from "@onehop/core/plan/wire";
import { beforeEach, describe, expect, it } from "vitest";
import { hashes } from "./hash.ts";
import { Inbox } from "./inbox.ts";
import { SliceStore } from "./slice_store.ts";

class Stream {
  readonly lacking: string[][] = [];
  send({ ids }: Lacking): void {
    this.lacking.push([...ids]);
  }
}

let timers: { at: number; fn: () => void }[];
let now: number;
let changes: number;
let a: Stream;
let b: Stream;
let inbox: Inbox<Stream>;
let slices: SliceStore;

beforeEach(() => {
  [timers, now, changes] = [[], 0, 0];
  [a, b] = [new Stream(), new Stream()];
  slices = new SliceStore();
  const clock: Clock = {
    now: () => now,
    after: (ms, fn) => {
      const timer = { at: now + ms, fn };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const streams = () => [a, b];
  const nothing = () => undefined;
  inbox = new Inbox({ clock, slices, streams, onChange: () => changes++, onConfirmed: nothing, onStale: nothing });
});

function advance(ms: number): void {
  now += ms;
  const due = timers.filter((timer) => timer.at <= now);
  timers = timers.filter((timer) => timer.at > now);
  for (const timer of due) timer.fn();
}

const vpc = (vni: number): Slice => ({ type: "vpc", vpc_id: "v", vni, cidrs: [], routes: [] });
const own = (...ids: SliceId[]): Slice => ({ type: "host", host_id: "h", number: 1, slices: ["host/h", ...ids] });
const frame = (id: SliceId, epoch: number, body: Slice): Uint8Array =>
  sliceFrame({ id, epoch, generation: 1, hash: hashes.of(body).hash }, body);

describe("slices of several controllers", () => {
  it("come in any order, and make a plan once all are there", () => {
    inbox.take(frame("vpc/v", 7, vpc(5)), b);
    inbox.take(frame("host/h", 3, own("vpc/v")), a);
    expect(slices.current()?.plan.size).toBe(2);
    expect([a.lacking, b.lacking, changes]).toEqual([[], [], 2]);
  });

  it("that are late are asked for, of all, until they come", () => {
    inbox.take(frame("host/h", 3, own("vpc/v")), a);
    advance(100);
    expect(b.lacking).toEqual([]);
    advance(100);
    expect([a.lacking, b.lacking]).toEqual([[["vpc/v"]], [["vpc/v"]]]);
    advance(1000);
    expect(b.lacking).toHaveLength(2);
    inbox.take(frame("vpc/v", 7, vpc(5)), b);
    advance(5000);
    expect(b.lacking).toHaveLength(2);
  });

  it("that are said to be the same and are not are asked for at once, of who said so", () => {
    inbox.take(frame("vpc/v", 7, vpc(5)), a);
    inbox.accept({ type: "same", id: "vpc/v", epoch: 9, generation: 1, hash: "another" }, b);
    expect([a.lacking, b.lacking]).toEqual([[], [["vpc/v"]]]);
    expect(inbox.wholeness.voucherOf("vpc/v")).toBe(a);
  });

  it("are vouched for by whoever has the highest epoch; who had it before vouches no more", () => {
    inbox.take(frame("vpc/v", 7, vpc(5)), a);
    inbox.take(frame("vpc/v", 9, vpc(6)), b);
    inbox.take(frame("vpc/v", 7, vpc(7)), a);
    inbox.released(["vpc/v"], a);
    expect(inbox.wholeness.voucherOf("vpc/v")).toBe(b);
    inbox.wholeness.ended(b);
    expect(inbox.wholeness.covers([{ id: "vpc/v", epoch: 9, generation: 1, hash: "" }])).toBe(false);
  });

  it("that differ from what is not here are asked for at once, of who sent what differs", () => {
    inbox.take(frame("vpc/v", 7, vpc(5)), a);
    const held = { id: "vpc/v", epoch: 9, generation: 1, hash: hashes.of(vpc(6)).hash } as const;
    const difference = { head: { ...vpc(6), routes: undefined }, rows: [], gone: [] };
    inbox.take(differenceFrame(held, { base: "another", difference }), b);
    expect([a.lacking, b.lacking, changes]).toEqual([[], [["vpc/v"]], 1]);
    inbox.take(differenceFrame(held, { base: hashes.of(vpc(5)).hash, difference }), b);
    expect(slices.held()).toEqual([held]);
    expect(changes).toBe(2);
  });

  it("that are cut short, or are not what their head says, are refused", () => {
    const good = frame("vpc/v", 7, vpc(5));
    expect(() => inbox.take(good.subarray(0, good.length - 2), a)).toThrow("no slice");
    const bad = Uint8Array.from(good);
    bad[bad.length - 1]! ^= 1;
    expect(() => inbox.take(bad, a)).toThrow();
    expect(slices.held()).toEqual([]);
  });
});
