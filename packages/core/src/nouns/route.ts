import { Cidr, derived, Ipv4, noun, required, type Stored, Uuid } from "./noun.ts";

export const route = noun({
  kind: "route",
  plural: "routes",
  doc: "a static route of a VPC",
  scope: "project",
  parent: { kind: "vpc", field: "vpc_id" },
  quota: "routes",
  fields: {
    vpc_id: required(Uuid, "the VPC it belongs to", { ref: "vpc" }),
    project_id: derived(Uuid, "the VPC's project"),
    destination: required(Cidr, "where to; the longest match wins", { mutable: true }),
    next_hop: required(Ipv4, "the address of a port in the VPC that takes the packets", { mutable: true }),
  },
  example: { name: "to-branch", vpc_id: "prod", destination: "172.16.0.0/12", next_hop: "10.0.1.9" },
  columns: ["name", "vpc_id", "destination", "next_hop", "status"],
});
export type Route = Stored<typeof route>;
