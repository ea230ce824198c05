import { allocated, Cidr, derived, Ipv4, noun, required, type Stored, Uuid, Vni } from "./noun.ts";

/** Ports in a network. */
export const PORTS_PER_NETWORK = 1024;

export const network = noun({
  kind: "network",
  plural: "networks",
  doc: "a virtual layer-2 segment of a VPC: one VXLAN id, one IPv4 range, a gateway that is the same on every host",
  scope: "project",
  parent: { kind: "vpc", field: "vpc_id" },
  quota: "networks",
  fields: {
    vpc_id: required(Uuid, "the VPC it is part of", { ref: "vpc" }),
    project_id: derived(Uuid, "the VPC's project"),
    cidr: allocated(Cidr, "its range, inside the VPC's; by default the next free /24 with third octet 1 to 253"),
    gateway: allocated(Ipv4, "the gateway's address, by default the first of the range"),
    vni: allocated(Vni, "VXLAN id of packets within the network", { admin: true }),
  },
  example: { name: "front", vpc_id: "prod", cidr: "10.0.1.0/24" },
  columns: ["name", "vpc_id", "cidr", "gateway", "vni", "status"],
});
export type Network = Stored<typeof network>;
