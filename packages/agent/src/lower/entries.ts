/** What every table of the kernel shall hold: the layouts of packages/datapath/bpf/maps, one interface a struct. */

export interface Endpoint {
  port: string;
  generation: number;
  vpc: number;
  network: number;
  ifindex: number;
  mtu: number;
  address: string;
  gateway: string;
  mac: string;
  gateway_mac: string;
  device: number;
  has_allowed: number;
}
export interface LinkKey {
  ifindex: number;
}
export interface Link {
  slot: number;
}
export interface DestinationKey {
  vpc: number;
  address: string;
}
export interface Destination {
  network: number;
  where: number;
  mac: string;
  place: number;
}
export interface MacKey {
  network: number;
  mac: string;
}
export interface MacEntry {
  where: number;
  place: number;
}
export interface RouteKey {
  prefix: number;
  vpc: number;
  address: string;
}
export interface Route {
  next_hop: string;
  kind: number;
}
export interface HostEntry {
  tunnel_address: string;
  uplink: number;
  next_hop: string;
  kind: number;
}
export interface TunnelKey {
  address: string;
}
export interface Tunnel {
  host: number;
  kind: number;
}
export interface VniKey {
  vni: number;
}
export interface VniEntry {
  vpc: number;
  kind: number;
  gateway: string;
  gateway_mac: string;
}
export interface AllowedKey {
  prefix: number;
  slot: number;
  address: string;
}
export interface Allowed {
  yes: number;
}
export interface ClassLimit {
  /** Packets a second; 0: no limit. */
  rate: number;
  /** Packets. */
  burst: number;
}

export const PLACE = { LOCAL: 1, REMOTE: 2, PEER: 3, GATEWAY: 4 } as const;
export const DEVICE = { NONE: 0, VETH: 1, TAP: 2 } as const;
export const HOST_KIND = { ONEHOP: 1, PEER: 2 } as const;
export const VNI_KIND = { NETWORK: 1, VPC: 2 } as const;
export const ROUTE_KIND = { RANGE: 1, VIA: 2 } as const;
/** `enum oh_class`. */
export const CLASSES = ["other", "arp", "dhcp", "metadata", "broadcast", "layer2", "layer3", "icmp_error"] as const;
export const MAX_SLOTS = 4096;
export const MAX_HOSTS = 4096;
export const NO_IP = "0.0.0.0";
export const NO_MAC = "00:00:00:00:00:00";

/** Key and value of each table. */
export interface Rows {
  class_limits: [number, ClassLimit];
  hosts: [number, HostEntry];
  tunnels: [TunnelKey, Tunnel];
  vnis: [VniKey, VniEntry];
  allowed: [AllowedKey, Allowed];
  endpoints: [number, Endpoint];
  links: [LinkKey, Link];
  routes: [RouteKey, Route];
  macs: [MacKey, MacEntry];
  destinations: [DestinationKey, Destination];
}
export type TableName = keyof Rows;

/** The text of a key: two keys are the same where their texts are. */
export const KEY_TEXT: { readonly [T in TableName]: (key: Rows[T][0]) => string } = {
  class_limits: String,
  hosts: String,
  tunnels: (k) => k.address,
  vnis: (k) => String(k.vni),
  allowed: (k) => `${k.slot} ${k.address}/${k.prefix}`,
  endpoints: String,
  links: (k) => String(k.ifindex),
  routes: (k) => `${k.vpc} ${k.address}/${k.prefix}`,
  macs: (k) => `${k.network} ${k.mac}`,
  destinations: (k) => `${k.vpc} ${k.address}`,
};
export const TABLE_NAMES = Object.keys(KEY_TEXT) as TableName[];

/** Wanted content of one table. The first writer of a key stays: callers put what wins first. */
export class Table<T extends TableName> {
  readonly rows = new Map<string, Rows[T]>();
  readonly #text: (key: Rows[T][0]) => string;
  constructor(name: T) {
    this.#text = KEY_TEXT[name];
  }
  add(key: Rows[T][0], value: Rows[T][1]): void {
    const text = this.#text(key);
    if (!this.rows.has(text)) this.rows.set(text, [key, value] as Rows[T]);
  }
}

export type Entries = { readonly [T in TableName]: Table<T> };

export const noEntries = (): Entries => ({
  class_limits: new Table("class_limits"),
  hosts: new Table("hosts"),
  tunnels: new Table("tunnels"),
  vnis: new Table("vnis"),
  allowed: new Table("allowed"),
  endpoints: new Table("endpoints"),
  links: new Table("links"),
  routes: new Table("routes"),
  macs: new Table("macs"),
  destinations: new Table("destinations"),
});
