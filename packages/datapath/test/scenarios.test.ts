import { DROP_REASON_NAMES } from "@onehop/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENTERING } from "./rows/entering.ts";
import { ROUTED, SWITCHED } from "./rows/forwarding.ts";
import { ARP, ERRORS, GATEWAY_ADDRESS } from "./rows/gateway.ts";
import { SIZE } from "./rows/size.ts";
import { FORGED, OWN, PEER, TUNNELLED } from "./rows/underlay.ts";
import { play, type Row } from "./scenario.ts";
import { makeWorld, type World } from "./world.ts";

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  "what a guest may send": ENTERING,
  "within a network": SWITCHED,
  "between networks": ROUTED,
  "ARP is answered where it is asked": ARP,
  "the gateway's own address": GATEWAY_ADDRESS,
  "what cannot be reached": ERRORS,
  "what leaves a host fits the underlay": SIZE,
  "what is not for the tunnel": OWN,
  "out of the tunnel": TUNNELLED,
  "with a plain VXLAN peer": PEER,
  "forged or mistaken on the underlay": FORGED,
};

let world: World;
beforeAll(() => {
  world = makeWorld();
});
afterAll(() => world.close());

describe.each(Object.entries(TABLES))("%s", (_, rows) => {
  it.each(rows.map((row) => [row.title, row] as const))("%s", (_title, row) => play(world, row));
});

/** Those of VPCs that learn, in test/learning. */
const LEARNING = ["no_hub", "hub_source", "hops", "message"];

it("every drop reason has a row, but the one that needs a flood", () => {
  const seen = new Set(Object.values(TABLES).flatMap((rows) => rows.map((row) => row.ends.reason)));
  const missing = DROP_REASON_NAMES.filter((reason) => !seen.has(reason));
  expect(missing).toEqual(["class_limit", ...LEARNING]);
});
