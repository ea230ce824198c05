import { Stage } from "@onehop/datapath/maps.gen";
import { expect, test } from "vitest";
import type { Tried } from "../kernel/kernel.ts";
import { PROGRAM_STAGES, stagesOf } from "./stages.ts";

const tried = (more: Partial<Tried>): Tried => ({
  ...{ action: "host", reason: "none", class: "layer3", stage: "deliver", slot: 1, host: 2, ifindex: 3 },
  ...{ frame: new Uint8Array(), mark: 0, retval: 7, asked: [] },
  ...more,
});
const numbers = new Map(Object.entries(Stage).map(([name, n]) => [name.toLowerCase(), n as number]));

test("The stages of each program are in the order of pipeline.h, and each stage is in one of them.", () => {
  for (const names of Object.values(PROGRAM_STAGES)) {
    const order = names.map((name) => numbers.get(name)!);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  }
  const all = new Set<string>(Object.values(PROGRAM_STAGES).flat());
  expect([...numbers.keys()].filter((name) => name !== "max" && !all.has(name))).toEqual([]);
});

test.each<[string, "from_endpoint" | "from_uplink", Partial<Tried>, string]>([
  ["routed to another host", "from_endpoint", {}, "route locate size rewrite deliver"],
  [
    "routed beside a question",
    "from_endpoint",
    { asked: [{ host: 3, frame: new Uint8Array() }] },
    "route locate ask size rewrite deliver",
  ],
  ["switched to another host", "from_endpoint", { class: "layer2" }, "switch locate size deliver"],
  ["switched on the host", "from_endpoint", { class: "layer2", action: "guest" }, "switch locate deliver"],
  ["too large", "from_endpoint", { stage: "size", action: "reply", reason: "too_big" }, "route locate size"],
  ["without a route", "from_endpoint", { stage: "route", action: "drop", reason: "no_route" }, "route"],
  ["broadcast", "from_endpoint", { class: "broadcast", stage: "serve", action: "drop" }, "serve"],
  ["ARP", "from_endpoint", { class: "arp", stage: "answer_arp", action: "reply" }, "answer_arp"],
])("A packet that is %s (%s) went through what concerns it.", (_, program, more, rest) => {
  const before = "endpoint parse classify source_guard limit";
  expect(stagesOf(program, tried(more)).join(" ")).toBe(`${before} ${rest}`);
});

test("What ends before it is classified went through no more.", () => {
  expect(stagesOf("from_endpoint", tried({ class: "other", stage: "parse", action: "drop" }))).toEqual([
    "endpoint",
    "parse",
  ]);
  expect(stagesOf("from_uplink", tried({ class: "other", stage: "outer", action: "drop" }))).toEqual(["outer"]);
  expect(stagesOf("from_uplink", tried({ action: "guest" })).join(" ")).toBe(
    "outer parse classify route locate rewrite deliver",
  );
  expect(stagesOf("from_uplink", tried({ stage: "relay" })).join(" ")).toBe("outer parse classify route locate relay");
  expect(stagesOf("from_uplink", tried({ class: "other", stage: "learn" }))).toEqual(["outer", "learn"]);
});
