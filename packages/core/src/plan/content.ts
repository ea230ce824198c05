import { encode } from "@msgpack/msgpack";
import type { HostsSlice, NetworkSlice, Slice, VpcSlice } from "./slices.ts";

/** Of a slice that is made of many things of one kind, one of these. Never changed: another content is another object. */
export type Row = Readonly<Record<string, unknown>>;
type Key = string | number;

/** Where each kind of slice has its rows, and by what they are told apart and sorted. A host's own has none. */
const ROWS: Partial<Record<Slice["type"], { readonly member: string; readonly key: string }>> = {
  hosts: { member: "hosts" satisfies keyof HostsSlice, key: "number" },
  vpc: { member: "routes" satisfies keyof VpcSlice, key: "id" },
  network: { member: "ports" satisfies keyof NetworkSlice, key: "id" },
};

/** A slice as its rows, and a head with all else. */
interface Parts {
  readonly head: Row;
  readonly rows: readonly Row[];
}

function partsOf(slice: Slice): Parts {
  const kind = ROWS[slice.type];
  if (!kind) return { head: { ...slice }, rows: [] };
  const { [kind.member]: rows, ...head } = slice as unknown as Row;
  return { head, rows: rows as readonly Row[] };
}

/** What makes one content of a slice of another: its head, the rows that came or changed, and the keys of those that went. */
export interface Difference {
  readonly head: Row;
  readonly rows: readonly Row[];
  readonly gone: readonly Key[];
}

/** Digest of bytes, as text of a fixed length. */
export type Digest = (bytes: Uint8Array | string) => string;

export interface Fingerprint {
  readonly hash: string;
  /** Bytes of all its parts, encoded one by one. */
  readonly size: number;
}

/** Hashes of slices; that of each row is made once, so that a slice that differs in one row costs little more than that. */
export class Hashes {
  readonly #digest: Digest;
  readonly #rows = new WeakMap<Row, Fingerprint>();

  constructor(digest: Digest) {
    this.#digest = digest;
  }

  /** Of head and rows, in their order: equal content has equal hash, whoever makes it, and whatever it was made from. */
  of(slice: Slice): Fingerprint {
    const { head, rows } = partsOf(slice);
    const made = this.#part(head);
    let [text, size] = [made.hash, made.size];
    for (const row of rows) {
      const of = this.#ofRow(row);
      text += of.hash;
      size += of.size;
    }
    return { hash: this.#digest(text), size };
  }

  /** Undefined: it would not be much less than all. */
  difference(before: Slice, after: Slice): Difference | undefined {
    const kind = ROWS[after.type];
    if (!kind || before.type !== after.type) return undefined;
    const former = partsOf(before).rows;
    const had = new Map(former.map((row) => [row[kind.key] as Key, row]));
    const { head, rows } = partsOf(after);
    const news = rows.filter((row) => {
      const old = had.get(row[kind.key] as Key);
      had.delete(row[kind.key] as Key);
      return !old || (old !== row && this.#ofRow(old).hash !== this.#ofRow(row).hash);
    });
    const isMost = 2 * (news.length + had.size) >= former.length + rows.length;
    return isMost ? undefined : { head, rows: news, gone: [...had.keys()] };
  }

  #ofRow(row: Row): Fingerprint {
    const known = this.#rows.get(row);
    if (known) return known;
    const made = this.#part(row);
    this.#rows.set(row, made);
    return made;
  }

  #part(part: Row): Fingerprint {
    const bytes = encode(part, CANONICAL);
    return { hash: this.#digest(bytes), size: bytes.length };
  }
}

/** Equal content has equal bytes, whatever the order of its members. */
const CANONICAL = { sortKeys: true, ignoreUndefined: true } as const;

/** The slice after the difference. Undefined: it is none of this slice. */
export function patched(before: Slice, { head, rows, gone }: Difference): Slice | undefined {
  const kind = ROWS[before.type];
  if (!kind || head.type !== before.type) return undefined;
  const keyOf = (row: Row) => row[kind.key] as Key;
  const leaving = new Set([...gone, ...rows.map(keyOf)]);
  const all = partsOf(before).rows.filter((row) => !leaving.has(keyOf(row)));
  all.push(...rows);
  all.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return { ...head, [kind.member]: all } as unknown as Slice;
}
