import Type, { type Static } from "typebox";
import { allocated, Cidr, defaulted, derived, Ipv4, Mac, noun, optional, required, type Stored, Uuid } from "./noun.ts";

const letters = "letters, digits, dot, dash and underscore, a letter or digit first";
const DeviceName = Type.String({
  pattern: "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$",
  maxLength: 15,
  description: `${letters}; at most 15`,
});
const NamespaceName = Type.String({
  pattern: "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$",
  maxLength: 63,
  description: `${letters}; at most 63`,
});

/** How the guest's link comes to be on the host. */
export const Device = Type.Union([
  Type.Object(
    {
      kind: Type.Literal("adopt", { description: "a veth or tap that exists already" }),
      name: DeviceName,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal("veth", { description: "made by the agent; its other end is eth0 of the network namespace" }),
      namespace: NamespaceName,
    },
    { additionalProperties: false },
  ),
]);
export type Device = Static<typeof Device>;

export const port = noun({
  kind: "port",
  plural: "ports",
  doc: "one NIC of a VM or container",
  scope: "project",
  parent: { kind: "network", field: "network_id" },
  quota: "ports",
  fields: {
    network_id: required(Uuid, "the network it is plugged into", { ref: "network" }),
    vpc_id: derived(Uuid, "the network's VPC"),
    project_id: derived(Uuid, "the VPC's project"),
    addresses: allocated(
      Type.Array(Ipv4, { minItems: 1, maxItems: 16 }),
      "its addresses, all in the network's range; the first is the one the guest is given",
    ),
    mac: allocated(Mac, "its MAC, unique in the network"),
    allowed_addresses: defaulted(
      Type.Array(Cidr, { maxItems: 64, default: [] }),
      "further source ranges the guest may send from, for guests that route",
      { mutable: true },
    ),
    host_id: optional(Uuid, "the host it is bound to", { mutable: true, ref: "host", admin: true }),
    device: optional(Device, "its link on that host", { mutable: true, admin: true }),
    /** Increases with every bind and unbind; the store's revision of the last one. */
    binding_revision: derived(Type.Integer(), "the revision of its last bind or unbind: its generation on the wire"),
  },
  example: { name: "web-1", network_id: "front", addresses: ["10.0.1.5"] },
  columns: ["name", "network_id", "addresses", "mac", "host_id", "status"],
});
export type Port = Stored<typeof port>;
