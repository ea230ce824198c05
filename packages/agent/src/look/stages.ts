import type { Tried } from "../kernel/kernel.ts";

type Concerned = (tried: Tried) => boolean;
const always: Concerned = () => true;
const ofClass =
  (name: Tried["class"]): Concerned =>
  (tried) =>
    tried.class === name;
/** Only what leaves this host must fit the underlay. */
const leaves: Concerned = ({ action, stage }) => action === "host" || stage === "size";

/** The stages of each program in packet order (bpf/from_*.bpf.c), with which packets each does something. */
const STAGES: Readonly<Record<"from_endpoint" | "from_uplink", readonly (readonly [Tried["stage"], Concerned])[]>> = {
  from_endpoint: [
    ["endpoint", always],
    ["parse", always],
    ["classify", always],
    ["source_guard", always],
    ["limit", always],
    ["answer_arp", ofClass("arp")],
    ["serve", (t) => t.class !== "layer2" && t.class !== "layer3"],
    ["switch", ofClass("layer2")],
    ["route", ofClass("layer3")],
    ["locate", always],
    ["ask", ({ asked }) => asked.length > 0],
    ["size", leaves],
    ["rewrite", ofClass("layer3")],
    ["deliver", always],
  ],
  from_uplink: [
    ["outer", always],
    ["learn", ({ stage }) => stage === "learn"],
    ["parse", always],
    ["classify", always],
    ["answer_arp", ofClass("arp")],
    ["switch", ofClass("layer2")],
    ["route", ofClass("layer3")],
    ["locate", always],
    ["relay", ({ stage }) => stage === "relay"],
    ["rewrite", always],
    ["deliver", always],
  ],
};

/** Those that the packet went through, the one that ended it last. */
export function stagesOf(program: keyof typeof STAGES, tried: Tried): string[] {
  const order = STAGES[program];
  const end = order.findIndex(([name]) => name === tried.stage);
  const before = order.slice(0, Math.max(0, end)).filter(([, concerned]) => concerned(tried));
  return [...before.map(([name]) => name), tried.stage];
}

/** Names only, for those who hold the order against that of the pipeline. */
export const PROGRAM_STAGES = {
  from_endpoint: STAGES.from_endpoint.map(([name]) => name),
  from_uplink: STAGES.from_uplink.map(([name]) => name),
} as const;
