import Type from "typebox";
import { allocated, defaulted, Ipv4, noun, required, type Stored } from "./noun.ts";

/** Highest number of a host: those are places in a table of every host's kernel (packages/datapath/bpf/maps/hosts.h). */
export const HOST_NUMBER_MAX = 4095;

export const host = noun({
  kind: "host",
  plural: "hosts",
  doc: "a machine with an agent and a number, or a declared plain VXLAN peer",
  scope: "global",
  fields: {
    tunnel_address: required(Ipv4, "the underlay address of its tunnels, unique in the region"),
    number: allocated(
      Type.Integer({ minimum: 1, maximum: HOST_NUMBER_MAX }),
      "its number; its router MAC is made from it",
    ),
    kind: defaulted(
      Type.Union([Type.Literal("onehop"), Type.Literal("vxlan-peer")], { default: "onehop" }),
      "onehop: runs an agent; vxlan-peer: speaks plain RFC 7348 VXLAN and runs nothing of ours",
    ),
    roles: defaulted(
      Type.Array(Type.Union([Type.Literal("compute"), Type.Literal("hub")]), { maxItems: 8, default: ["compute"] }),
      "what it does for the region",
      { mutable: true },
    ),
  },
  example: { name: "h1", tunnel_address: "192.0.2.1" },
  columns: ["name", "number", "tunnel_address", "kind", "roles", "status"],
});
export type Host = Stored<typeof host>;
