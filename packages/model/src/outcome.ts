import type { DropReason, packet } from "@onehop/core";

/** What kind of packet it is to its port's host; `overlay`: it came from the underlay. */
export type PacketClass = "other" | "arp" | "dhcp" | "metadata" | "broadcast" | "layer2" | "layer3" | "overlay";

/**
 * What was done, in order. resolve: ARP answered. gateway: an echo answered. switch: by MAC. route: by address.
 * via: by a static route to its next hop. local: to a port of the same host. wire: encapsulated to a onehop host.
 * peer: encapsulated to a plain VXLAN peer. error: an ICMP error made. In a VPC that learns, learned: where to was learned
 * from use; hub: encapsulated to a hub; relay: passed on as it came, by a hub or by the guest's former host.
 */
export type Step =
  | "resolve"
  | "gateway"
  | "switch"
  | "route"
  | "via"
  | "local"
  | "wire"
  | "peer"
  | "error"
  | "learned"
  | "hub"
  | "relay";

/** The guest of `port` gets the frame. */
export interface Delivered {
  readonly kind: "delivered";
  readonly port: string;
  readonly frame: Uint8Array;
}
/** The sender gets the frame back: an ARP or echo reply; a plain peer gets it encapsulated. */
export interface Answered {
  readonly kind: "answered";
  readonly frame: Uint8Array;
}
/** Nobody gets it; the sender may get an ICMP error. */
export interface Dropped {
  readonly kind: "dropped";
  readonly reason: DropReason;
  readonly answer?: Uint8Array;
}
/** Not ours: the host's own stack gets it untouched. */
export interface Left {
  readonly kind: "left";
}
export type Result = Delivered | Answered | Dropped | Left;

/** The frame on the underlay. Its Ethernet addresses are zero, its UDP source port the first of the range. */
export interface Wire {
  readonly from_host: string;
  readonly to_host: string;
  readonly frame: Uint8Array;
}

/** A message of learning, without what hosts make up: the asker's nonce, the teller's roster, and the key. */
export type Message = Omit<packet.LearningMessage, "nonce" | "roster" | "key_version">;

/** A question that goes beside a packet, to the hub that carries it or straight to the host that is asked. */
export interface Question {
  readonly to_hosts: readonly string[];
  readonly message: Message;
}

export interface Outcome {
  readonly class: PacketClass;
  readonly path: readonly Step[];
  /** What becomes of it in the end, at whatever host. */
  readonly result: Result;
  /** Missing: nothing of it was on the underlay. */
  readonly wire?: Wire;
  /** It may be any other of these as well: hosts are free to choose a hub. */
  readonly or?: readonly Wire[];
  /** Goes beside it unless it, or one with its address, was asked a moment ago. */
  readonly question?: Question;
  /** Who gets it is asked whether it is there. */
  readonly probe?: true;
}

/** Lowest and highest outer UDP source port (RFC 7348 section 5, RFC 6335). */
export const SOURCE_PORTS = { first: 49152, last: 65535 } as const;

export const dropped = (reason: DropReason, answer?: Uint8Array): Dropped =>
  answer ? { kind: "dropped", reason, answer } : { kind: "dropped", reason };
