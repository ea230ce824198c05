import { Class, Constant, LAYOUT, type MapTypes } from "@onehop/datapath/maps.gen";
import { merged, type Part } from "./parts.ts";

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
  | "vpc_rules"
  | "rosters";
/** Tables of learning that no plan fills: programs and agent write them as things happen. */
export type NoteName = "learned" | "confirmed" | "floors" | "barred" | "vouched" | "moved" | "peers" | "hub_sync";
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
  rosters: (k) => String(k.vpc),
  learned: (k) => `${k.vpc} ${k.address}`,
  confirmed: (k) => `${k.vpc} ${k.address}`,
  floors: (k) => `${k.vpc} ${k.address}`,
  barred: (k) => `${k.vpc} ${k.host}`,
  vouched: (k) => `${k.vpc} ${k.host}`,
  moved: (k) => `${k.vpc} ${k.address}`,
  peers: String,
  hub_sync: String,
};

/** Rows of one table; the first of each key. */
export function partOf<T extends TableName>(name: T, rows: Iterable<Rows[T]>): Part<Rows[T]> {
  const text: (key: Rows[T][0]) => string = KEY_TEXT[name];
  const part = new Map<string, Rows[T]>();
  for (const row of rows) {
    const key = text(row[0]);
    if (!part.has(key)) part.set(key, row);
  }
  return part;
}

/**
 * Wanted content of one table, in parts or row by row. The first writer of a key stays: callers put what wins first. What
 * finds no room is left out, since a table that refuses a row would keep the whole host from its plan.
 */
export class Table<T extends TableName> {
  readonly name: T;
  /** Rows it takes. */
  readonly room: number;
  /** What found none. */
  readonly refused: Rows[T][] = [];
  readonly #text: (key: Rows[T][0]) => string;
  #parts: Part<Rows[T]>[] = [];
  /** Rows in all parts. */
  #size = 0;
  /** The only part, where rows were added one by one. */
  #own: Map<string, Rows[T]> | undefined;
  #merged: Part<Rows[T]> | undefined;
  constructor(name: T, room = LAYOUT.maps[name]?.max_entries ?? 0) {
    this.name = name;
    this.room = room;
    this.#text = KEY_TEXT[name];
  }
  /** What it is made of; where parts share a key, the first one's row is meant. */
  get parts(): readonly Part<Rows[T]>[] {
    return this.#parts;
  }
  get rows(): Part<Rows[T]> {
    this.#merged ??= merged(this.#parts);
    return this.#merged;
  }
  /** False: the table is full. */
  add(key: Rows[T][0], value: Rows[T][1]): boolean {
    const text = this.#text(key);
    const rows = this.#single();
    if (rows.has(text)) return true;
    if (rows.size >= this.room) {
      this.refused.push([key, value] as Rows[T]);
      return false;
    }
    rows.set(text, [key, value] as Rows[T]);
    return true;
  }
  /** Adds rows that were put together before. False: not all found room. */
  addPart(part: Part<Rows[T]>): boolean {
    if (part.size === 0) return true;
    if (!this.#own && this.#size + part.size <= this.room) {
      this.#parts.push(part);
      this.#size += part.size;
      this.#merged = undefined;
      return true;
    }
    let fits = true;
    for (const [key, value] of part.values()) fits = this.add(key, value) && fits;
    return fits;
  }
  /** In place of the row of this key. */
  replace(key: Rows[T][0], value: Rows[T][1]): void {
    this.#single().set(this.#text(key), [key, value] as Rows[T]);
  }
  /** Why something that should be in it is not. */
  get full(): string {
    return `The host's table ${this.name} is full: it has room for ${this.room} entries.`;
  }

  #single(): Map<string, Rows[T]> {
    if (!this.#own) {
      this.#own = new Map(this.rows);
      this.#merged = this.#own;
      this.#parts = [this.#own];
    }
    return this.#own;
  }
}

export type Entries = { readonly [T in TableName]: Table<T> };
/** Rows that tables take, where it is not what their maps do. */
export type Rooms = Readonly<Partial<Record<TableName, number>>>;

export const noEntries = (rooms: Rooms = {}): Entries => ({
  class_limits: new Table("class_limits", rooms.class_limits),
  hosts: new Table("hosts", rooms.hosts),
  tunnels: new Table("tunnels", rooms.tunnels),
  vnis: new Table("vnis", rooms.vnis),
  allowed: new Table("allowed", rooms.allowed),
  endpoints: new Table("endpoints", rooms.endpoints),
  links: new Table("links", rooms.links),
  routes: new Table("routes", rooms.routes),
  macs: new Table("macs", rooms.macs),
  destinations: new Table("destinations", rooms.destinations),
  hub_sources: new Table("hub_sources", rooms.hub_sources),
  vpc_keys: new Table("vpc_keys", rooms.vpc_keys),
  vpc_rules: new Table("vpc_rules", rooms.vpc_rules),
  rosters: new Table("rosters", rooms.rosters),
});
export const TABLE_NAMES = Object.keys(noEntries()) as TableName[];
