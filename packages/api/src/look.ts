import { host } from "@onehop/core";
import Type, { type TSchema } from "typebox";
import type { Route } from "./routes.ts";

/** Seconds of one capture, at most; packets of one, at most and unless asked otherwise. */
export const CAPTURE_SECONDS_MAX = 300;
export const CAPTURE_PACKETS_MAX = 100_000;
export const CAPTURE_DEFAULTS = { seconds: 60, count: 1000, snap: 2048 } as const;
/** Seconds over which rates are taken. */
export const TOP_SECONDS_MAX = 10;

const uuid = (description: string): TSchema => Type.String({ format: "uuid", description });
const literals = (...values: readonly string[]): TSchema => Type.Union(values.map((v) => Type.Literal(v)));

export const TraceBody = Type.Object(
  {
    port_id: uuid("the sending port"),
    to: Type.String({ maxLength: 15, description: "an IPv4 address of the VPC, or gateway" }),
    protocol: Type.Optional(literals("icmp", "tcp", "udp", "arp")),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: "of TCP and UDP" })),
    size: Type.Optional(Type.Integer({ minimum: 28, maximum: 3500, description: "bytes of the IP packet" })),
    live: Type.Optional(Type.Boolean({ description: "send a real packet as well; takes the role member" })),
  },
  { additionalProperties: false },
);

export const WhyBody = Type.Object(
  {
    port_id: uuid("the sending port"),
    to: Type.String({ maxLength: 15, description: "an IPv4 address that it may send to" }),
  },
  { additionalProperties: false },
);

export const CaptureBody = Type.Object(
  {
    filter: Type.Optional(Type.String({ maxLength: 1000, description: "such as tcp port 80 and not host 10.0.1.5" })),
    count: Type.Optional(
      Type.Integer({ minimum: 1, maximum: CAPTURE_PACKETS_MAX, description: "packets, then it ends" }),
    ),
    seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: CAPTURE_SECONDS_MAX, description: "then it ends" })),
    snap: Type.Optional(Type.Integer({ minimum: 14, maximum: 2048, description: "bytes to keep of each packet" })),
  },
  { additionalProperties: false },
);

const object = Type.Object({ kind: Type.String(), id: Type.String(), name: Type.String() });
const silent = Type.Array(Type.Object({ host: object, why: Type.String() }));
const bar = Type.Object({ at: object, vpc: Type.Optional(object), host: object, since: Type.String() });
const scope = {
  project_id: uuid("only of this project"),
  vpc_id: uuid("only of this VPC"),
  port_id: uuid("only of this port"),
  host_id: uuid("only on this host"),
};

/** What people ask of the data plane as it is now. */
export const lookRoutes: Route[] = [
  {
    id: "trace.run",
    method: "POST",
    path: "/v1/trace",
    summary:
      "Say what would become of a packet, by the programs and tables of the hosts on its way; or send it and see.",
    who: "reader",
    body: TraceBody,
    answers: {
      200: Type.Object({
        outcome: literals("delivered", "answered", "dropped", "unknown"),
        summary: Type.String(),
        packet: Type.String(),
        hosts: Type.Array(Type.Object({ host: object, stages: Type.Array(Type.Object({ stage: Type.String() })) })),
      }),
    },
  },
  {
    id: "drops.list",
    method: "GET",
    path: "/v1/drops",
    summary:
      "What is dropped: whose, why, since when, and what to change. Without an admin's role, of the own project.",
    who: "reader",
    query: scope,
    answers: { 200: Type.Object({ items: Type.Array(Type.Unknown()), silent }) },
  },
  {
    id: "top.list",
    method: "GET",
    path: "/v1/top",
    summary: "Ports, or pairs of addresses, by bits a second.",
    who: "reader",
    query: {
      by: literals("ports", "pairs"),
      seconds: Type.Integer({ minimum: 1, maximum: TOP_SECONDS_MAX, default: 1 }),
      ...scope,
    },
    answers: { 200: Type.Object({ items: Type.Array(Type.Unknown()), seconds: Type.Integer(), silent }) },
  },
  {
    id: "learned.list",
    method: "GET",
    path: "/v1/learned",
    summary: "What hosts learned from use about where addresses are, and how many packets went straight.",
    who: "reader",
    query: scope,
    answers: {
      200: Type.Object({
        items: Type.Array(Type.Unknown()),
        ways: Type.Array(
          Type.Object({
            vpc: object,
            direct: Type.Integer(),
            by_hub: Type.Integer(),
            ratio: Type.Optional(Type.Number({ description: "of direct; missing: no packet yet" })),
          }),
        ),
        use: Type.Array(Type.Unknown()),
        barred: Type.Array(bar),
        silent,
      }),
    },
  },
  {
    id: "bars.list",
    method: "GET",
    path: "/v1/hosts/{id}/bars",
    noun: host,
    summary: "Hosts that do not believe what this one says in a VPC, since it claimed there what is not its own.",
    who: "admin",
    answers: { 200: Type.Object({ items: Type.Array(bar), silent }) },
  },
  {
    id: "bars.lift",
    method: "POST",
    path: "/v1/hosts/{id}/trust",
    noun: host,
    summary: "Have every host that answers believe this one again; the answer tells the bars that were lifted.",
    who: "admin",
    answers: { 200: Type.Object({ items: Type.Array(bar), silent }) },
  },
  {
    id: "keys.rotate",
    method: "POST",
    path: "/v1/vpcs/{id}/rotate-key",
    summary:
      "Give a VPC a new key for its learning messages; the one before is still accepted. Refused while a live host lacks that.",
    who: "admin",
    answers: { 200: Type.Object({ version: Type.Integer() }) },
  },
  {
    id: "why.run",
    method: "POST",
    path: "/v1/why",
    summary: "Which way packets of a port to an address go now, since when, and why not straight.",
    who: "reader",
    body: WhyBody,
    answers: {
      200: Type.Object({ way: literals("local", "pushed", "direct", "hub", "none"), why: Type.String() }),
    },
  },
  {
    id: "capture.run",
    method: "POST",
    path: "/v1/ports/{id}/capture",
    summary:
      "Packets to and from a port as they come, as a pcap file; trailers say why it ended and how many were lost.",
    who: "member",
    body: CaptureBody,
    answers: { 200: Type.Unknown() },
  },
];
