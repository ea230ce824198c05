import Type from "typebox";
import { allocated, Cidr, defaulted, noun, required, type Stored, Uuid, Vni } from "./noun.ts";

/** Networks in a VPC: third octets 1..253 of a /16. */
export const NETWORKS_PER_VPC = 253;

export const vpc = noun({
  kind: "vpc",
  plural: "vpcs",
  doc: "a tenant's own layer-3 world with its own address ranges; addresses repeat freely between VPCs",
  scope: "project",
  parent: { kind: "project", field: "project_id" },
  quota: "vpcs",
  fields: {
    project_id: required(Uuid, "the project that owns it", { ref: "project" }),
    cidrs: required(
      Type.Array(Cidr, { minItems: 1, maxItems: 16 }),
      "address ranges of the VPC; any but reserved and multicast ones, the underlay's own included",
      { mutable: true },
    ),
    learning: defaulted(
      Type.Union([Type.Literal("direct"), Type.Literal("confirmed")], { default: "direct" }),
      "when packets leave the hub: direct, as soon as a host says that it has the port; confirmed, once the controllers said so too",
      { mutable: true },
    ),
    max_learned: defaulted(
      Type.Integer({ minimum: 1, maximum: 65_536, default: 16_384 }),
      "addresses that a host may learn of the VPC, and its share of the host's table at most; what finds no room stays on the hub",
      { mutable: true, admin: true },
    ),
    vni: allocated(Vni, "VXLAN id of routed packets", { admin: true }),
  },
  example: { name: "prod", project_id: "shop", cidrs: ["10.0.0.0/16"] },
  columns: ["name", "cidrs", "vni", "status"],
});
export type Vpc = Stored<typeof vpc>;
