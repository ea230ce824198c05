import type { Device } from "../nouns/port.ts";
import type { VpcLearning } from "./learning.ts";

/**
 * The southbound contract. A HostPlan is a set of slices; each is compiled from Intent by a pure function, encoded once
 * and shared by every host that gets it.
 */
export type SliceId = "hosts" | `host/${string}` | `vpc/${string}` | `network/${string}`;

/** `hosts`: every host of the region that may send us encapsulated packets, and that we may send to. */
export interface HostsSlice {
  readonly type: "hosts";
  /** Sorted by number. */
  readonly hosts: readonly KnownHost[];
}
export interface KnownHost {
  readonly id: string;
  readonly name: string;
  /** 1..HOST_NUMBER_MAX; the router MAC is made from it (core/address/mac.ts). */
  readonly number: number;
  /** Outer address of its tunnels. */
  readonly tunnel_address: string;
  readonly kind: "onehop" | "vxlan-peer";
}

/** `host/<id>`: the host's own: which slices make up its plan. */
export interface HostSlice {
  readonly type: "host";
  readonly host_id: string;
  readonly number: number;
  /** Sorted. Slices not listed here are dropped by the agent. */
  readonly slices: readonly SliceId[];
  /** Ids of the VPCs that it is a hub of, sorted: it holds their whole tables. Missing: of none. */
  readonly hub_of?: readonly string[];
}

/** `vpc/<id>`: what all networks of a VPC share. */
export interface VpcSlice {
  readonly type: "vpc";
  readonly vpc_id: string;
  /** VNI of routed packets; also the number of the VPC in every key of the data plane. */
  readonly vni: number;
  /** Ranges in which an unknown address is "not there" rather than "no route". */
  readonly cidrs: readonly string[];
  /** Sorted by id. */
  readonly routes: readonly RoutePlan[];
  /** Missing: all of its ports are pushed to all hosts that serve it. */
  readonly learning?: VpcLearning;
}
export interface RoutePlan {
  readonly id: string;
  readonly destination: string;
  readonly next_hop: string;
}

/** `network/<id>`: a layer-2 segment and its bound ports. */
export interface NetworkSlice {
  readonly type: "network";
  readonly network_id: string;
  readonly vpc_id: string;
  readonly vpc_vni: number;
  readonly vni: number;
  readonly cidr: string;
  readonly gateway: string;
  readonly gateway_mac: string;
  /** Bound ports only, sorted by id. */
  readonly ports: readonly PortPlan[];
}
export interface PortPlan {
  readonly id: string;
  /** Store revision of the binding: tells two bindings of one port apart. */
  readonly generation: number;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly allowed_addresses: readonly string[];
  /** Number of the host it is bound to. */
  readonly host: number;
  readonly device?: Device;
}

export type Slice = HostsSlice | HostSlice | VpcSlice | NetworkSlice;

/** A slice on its way. An agent keeps the highest epoch seen per slice and refuses lower ones. */
export interface SliceEnvelope {
  readonly id: SliceId;
  /** Of the claim of the controller that compiled it (epochOf in protocol.ts). */
  readonly epoch: number;
  /** Store revision at which the content last changed. */
  readonly generation: number;
  /** Hex (content.ts): equal content has equal hash, whoever compiled it. */
  readonly hash: string;
  readonly body: Slice;
}

/** All that one host must do: slices by id, the host's own included. */
export type HostPlan = ReadonlyMap<SliceId, Slice>;
