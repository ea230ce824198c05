import { Class, Constant, LAYOUT, type MapTypes } from "@onehop/datapath/maps.gen";

export const MAX_SLOTS = Constant.MAX_SLOTS;
export const NO_IP = "0.0.0.0";
export const NO_MAC = "00:00:00:00:00:00";

/** Names of the classes by number, `other` first. */
export const CLASSES = Object.entries(Class)
  .filter(([name]) => name !== "MAX")
  .map(([name]) => name.toLowerCase());

/** The tables that a plan fills; what lies in their keys and values is said in packages/datapath/bpf/maps. */
export type TableName =
  | "class_limits"
  | "hosts"
  | "tunnels"
  | "vnis"
  | "allowed"
  | "endpoints"
  | "links"
  | "routes"
  | "macs"
  | "destinations"
  | "hub_sources"
  | "vpc_keys"
  | "vpc_rules";
/** Tables of learning that no plan fills: programs and agent write them as things happen. */
export type NoteName = "learned" | "confirmed" | "floors" | "barred" | "moved" | "peers" | "hub_sync";
export type AnyTable = TableName | NoteName;
export type Rows = { readonly [T in AnyTable]: readonly [key: MapTypes[T]["key"], value: MapTypes[T]["value"]] };

/** The text of a key: two keys are the same where their texts are. */
export const KEY_TEXT: { readonly [T in AnyTable]: (key: Rows[T][0]) => string } = {
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
  hub_sources: (k) => `${k.vpc} ${k.host} ${k.address}/${k.prefix}`,
  vpc_keys: (k) => String(k.vpc),
  vpc_rules: (k) => String(k.vpc),
  learned: (k) => `${k.vpc} ${k.address}`,
  confirmed: (k) => `${k.vpc} ${k.address}`,
  floors: (k) => `${k.vpc} ${k.address}`,
  barred: (k) => `${k.vpc} ${k.host}`,
  moved: (k) => `${k.vpc} ${k.address}`,
  peers: String,
  hub_sync: String,
};

/**
 * Wanted content of one table. The first writer of a key stays: callers put what wins first. What finds no room is left
 * out, since a table that refuses a row would keep the whole host from its plan.
 */
export class Table<T extends TableName> {
  readonly name: T;
  /** Rows it takes. */
  readonly room: number;
  readonly rows = new Map<string, Rows[T]>();
  /** What found none. */
  readonly refused: Rows[T][] = [];
  readonly #text: (key: Rows[T][0]) => string;
  constructor(name: T, room = LAYOUT.maps[name]?.max_entries ?? 0) {
    this.name = name;
    this.room = room;
    this.#text = KEY_TEXT[name];
  }
  /** False: the table is full. */
  add(key: Rows[T][0], value: Rows[T][1]): boolean {
    const text = this.#text(key);
    if (this.rows.has(text)) return true;
    if (this.rows.size >= this.room) {
      this.refused.push([key, value] as Rows[T]);
      return false;
    }
    this.rows.set(text, [key, value] as Rows[T]);
    return true;
  }
  /** Why something that should be in it is not. */
  get full(): string {
    return `The host's table ${this.name} is full: it has room for ${this.room} entries.`;
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
  hub_sources: new Table("hub_sources"),
  vpc_keys: new Table("vpc_keys"),
  vpc_rules: new Table("vpc_rules"),
});
export const TABLE_NAMES = Object.keys(noEntries()) as TableName[];
