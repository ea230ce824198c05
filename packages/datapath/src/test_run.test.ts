import { afterAll, beforeAll, expect, it } from "vitest";
import { HostRig } from "./harness.ts";
import { Constant } from "./maps.gen.ts";
import { testRun } from "./test_run.ts";

let rig: HostRig;
beforeAll(() => {
  rig = new HostRig({ config: { tunnel_address: "192.0.2.1", host: 1 } });
});
afterAll(() => rig.close());

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 255);

it("a frame comes back whole, whatever its length, from 14 bytes on", () => {
  for (const length of [14, 15, 60, 1514, 3400]) {
    const run = testRun(rig.datapath.programs.from_endpoint, bytes(length));
    expect(run.frame).toEqual(bytes(length));
  }
});

it("a frame that the kernel does not take is refused by name", () => {
  expect(() => testRun(rig.datapath.programs.from_endpoint, bytes(13))).toThrow("test run: EINVAL");
  expect(() => testRun(rig.datapath.programs.from_endpoint, bytes(70_000))).toThrow(RangeError);
});

it("a rig says what was decided, by name", () => {
  expect(rig.send(undefined, bytes(60))).toMatchObject({
    action: "drop",
    reason: "unknown_port",
    slot: Constant.NO_SLOT,
    host: 0,
  });
  expect(rig.receive(bytes(60))).toMatchObject({ action: "stack", reason: "none" });
});
