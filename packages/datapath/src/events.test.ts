import { afterEach, expect, it } from "vitest";
import { openEvents, readEvents } from "./events.ts";
import { HostRig } from "./harness.ts";
import { Drop, type DropEvent, Program } from "./maps.gen.ts";

const rigs: HostRig[] = [];
const newRig = (): HostRig => {
  const rig = new HostRig({ config: { tunnel_address: "192.0.2.1", host: 1 } });
  rigs.push(rig);
  return rig;
};
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.close();
});

/** 60 bytes of an unassigned ethertype. */
const frame = Uint8Array.from([...Array(12).fill(2), 0x88, 0xb5, ...Array(46).fill(0)]);

it("a drop is an event that says why, where and what", () => {
  const rig = newRig();
  const reader = openEvents(rig.datapath.fds);
  rig.send(undefined, frame);
  const events: DropEvent[] = [];
  expect(reader.drain((event) => events.push(event))).toBe(1);
  expect(events[0]).toMatchObject({
    port: "00000000-0000-0000-0000-000000000000",
    ifindex: 1,
    length: 60,
    reason: Drop.UNKNOWN_PORT,
    program: Program.FROM_ENDPOINT,
  });
  expect(events[0]!.time).toBeGreaterThan(0n);
  expect(reader.drain(() => {})).toBe(0);
  reader.close();
});

it("a reader hands events over until its signal aborts", async () => {
  const rig = newRig();
  const abort = new AbortController();
  const first = await new Promise<DropEvent>((resolve) => {
    readEvents(rig.datapath.fds, resolve, { signal: abort.signal, interval_ms: 1 });
    rig.send(undefined, frame);
  });
  expect(first.reason).toBe(Drop.UNKNOWN_PORT);
  abort.abort();
  rig.send(undefined, frame);
});
