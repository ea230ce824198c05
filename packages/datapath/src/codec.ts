import { isIPv6 } from "node:net";
import { parseIpv4, parseMac } from "@onehop/core";
import ipaddr from "ipaddr.js";
import type { FieldLayout, Layout, TypeRef } from "./btf.ts";
import { isPadding } from "./map_kind.ts";

/**
 * Bytes of a map's key or value, made from the layout that clang recorded.
 *
 * | C | TypeScript |
 * |---|---|
 * | oh_ip4 | "10.0.0.1" |
 * | oh_addr | "10.0.0.1" where IPv4-mapped (RFC 4291 section 2.5.5.2), else IPv6 text (RFC 5952); all zero is "::" |
 * | oh_mac | "0a:00:00:00:00:01" |
 * | oh_uuid | "123e4567-e89b-42d3-a456-426614174000" |
 * | oh_secret | 32 hexadecimal digits |
 * | oh_l4port | number, network order in memory |
 * | oh_ns | bigint (a number would be too small after 104 days of uptime) |
 * | __u64 | number; above 2^53 reading is inexact and writing is refused |
 * | other integers | number |
 * | fields named pad | hidden, zero |
 *
 * Writing throws RangeError, naming the field, where a value does not fit.
 */
export interface Codec<T> {
  readonly size: number;
  read(from: DataView, at: number): T;
  write(to: DataView, at: number, value: T): void;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(view: DataView, from: number, to: number, separator: string): string {
  let text = HEX[view.getUint8(from)]!;
  for (let i = from + 1; i < to; i++) text += separator + HEX[view.getUint8(i)];
  return text;
}

const wrong = (what: string, value: unknown): RangeError =>
  new RangeError(`not ${what}: ${String(value).slice(0, 60)}`);

/** Integers, little-endian or big-endian as the machine is: BTF describes objects built for this machine. */
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function integer(
  size: number,
  low: number,
  high: number,
  access: Pick<Codec<number>, "read" | "write">,
): Codec<number> {
  return {
    size,
    read: access.read,
    write(to, at, value) {
      if (!Number.isInteger(value) || value < low || value > high) throw wrong(`an integer of ${low}..${high}`, value);
      access.write(to, at, value);
    },
  };
}

const SAFE = Number.MAX_SAFE_INTEGER;
const INTEGERS: Readonly<Record<string, Codec<number>>> = {
  u8: integer(1, 0, 0xff, { read: (v, at) => v.getUint8(at), write: (v, at, n) => v.setUint8(at, n) }),
  i8: integer(1, -0x80, 0x7f, { read: (v, at) => v.getInt8(at), write: (v, at, n) => v.setInt8(at, n) }),
  u16: integer(2, 0, 0xffff, {
    read: (v, at) => v.getUint16(at, LITTLE),
    write: (v, at, n) => v.setUint16(at, n, LITTLE),
  }),
  i16: integer(2, -0x8000, 0x7fff, {
    read: (v, at) => v.getInt16(at, LITTLE),
    write: (v, at, n) => v.setInt16(at, n, LITTLE),
  }),
  u32: integer(4, 0, 0xffffffff, {
    read: (v, at) => v.getUint32(at, LITTLE),
    write: (v, at, n) => v.setUint32(at, n, LITTLE),
  }),
  i32: integer(4, -0x80000000, 0x7fffffff, {
    read: (v, at) => v.getInt32(at, LITTLE),
    write: (v, at, n) => v.setInt32(at, n, LITTLE),
  }),
  u64: integer(8, 0, SAFE, {
    read: (v, at) => Number(v.getBigUint64(at, LITTLE)),
    write: (v, at, n) => v.setBigUint64(at, BigInt(n), LITTLE),
  }),
  i64: integer(8, -SAFE, SAFE, {
    read: (v, at) => Number(v.getBigInt64(at, LITTLE)),
    write: (v, at, n) => v.setBigInt64(at, BigInt(n), LITTLE),
  }),
};

const l4port = integer(2, 0, 0xffff, { read: (v, at) => v.getUint16(at), write: (v, at, n) => v.setUint16(at, n) });

const nanoseconds: Codec<bigint> = {
  size: 8,
  read: (from, at) => from.getBigUint64(at, LITTLE),
  write(to, at, value) {
    if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) throw wrong("64 bits of nanoseconds", value);
    to.setBigUint64(at, value, LITTLE);
  },
};

const quad = (v: DataView, at: number): string =>
  `${v.getUint8(at)}.${v.getUint8(at + 1)}.${v.getUint8(at + 2)}.${v.getUint8(at + 3)}`;

const ip4: Codec<string> = {
  size: 4,
  read: quad,
  write(to, at, text) {
    const n = parseIpv4(text);
    if (n === undefined) throw wrong("an IPv4 address", text);
    to.setUint32(at, n);
  },
};

const mac: Codec<string> = {
  size: 6,
  read: (from, at) => hex(from, at, at + 6, ":"),
  write(to, at, text) {
    const bytes = parseMac(text);
    if (!bytes) throw wrong("a MAC address", text);
    for (let i = 0; i < 6; i++) to.setUint8(at + i, bytes[i]!);
  },
};

const isMapped = (v: DataView, at: number): boolean =>
  v.getUint32(at) === 0 && v.getUint32(at + 4) === 0 && v.getUint32(at + 8) === 0xffff;

const addr: Codec<string> = {
  size: 16,
  read(from, at) {
    if (isMapped(from, at)) return quad(from, at + 12);
    const bytes = Array.from({ length: 16 }, (_, i) => from.getUint8(at + i));
    return new ipaddr.IPv6(bytes).toRFC5952String();
  },
  write(to, at, text) {
    const n = parseIpv4(text);
    if (n !== undefined) {
      to.setUint32(at, 0);
      to.setUint32(at + 4, 0);
      to.setUint32(at + 8, 0xffff);
      to.setUint32(at + 12, n);
      return;
    }
    if (!isIPv6(text) || text.includes("%")) throw wrong("an IP address", text);
    const bytes = ipaddr.IPv6.parse(text).toByteArray();
    for (let i = 0; i < 16; i++) to.setUint8(at + i, bytes[i]!);
  },
};

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const uuid: Codec<string> = {
  size: 16,
  read(from, at) {
    const digits = hex(from, at, at + 16, "");
    return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join(
      "-",
    );
  },
  write(to, at, text) {
    if (!UUID.test(text)) throw wrong("a UUID", text);
    const digits = text.replaceAll("-", "");
    for (let i = 0; i < 16; i++) to.setUint8(at + i, Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
  },
};

const SECRET = /^[\da-f]{32}$/;
const secret: Codec<string> = {
  size: 16,
  read: (from, at) => hex(from, at, at + 16, ""),
  write(to, at, text) {
    // Not told in the error: it is a secret.
    if (!SECRET.test(text)) throw wrong("a key of 32 hexadecimal digits", "what was given");
    for (let i = 0; i < 16; i++) to.setUint8(at + i, Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
  },
};

type AnyCodec = Codec<unknown>;
type Values = Record<string, unknown>;
const SEMANTIC: Readonly<Record<string, unknown>> = {
  oh_ip4: ip4,
  oh_mac: mac,
  oh_addr: addr,
  oh_uuid: uuid,
  oh_secret: secret,
  oh_l4port: l4port,
  oh_ns: nanoseconds,
};

function oneCodec(layout: Layout, ref: TypeRef): AnyCodec {
  if (ref.base === "struct") return structCodec(layout, ref.type) as AnyCodec;
  const found = SEMANTIC[ref.type] ?? INTEGERS[ref.base];
  if (!found) throw new Error(`no codec for ${ref.type}`);
  return found as AnyCodec;
}

function arrayCodec(one: AnyCodec, count: number): Codec<unknown[]> {
  return {
    size: one.size * count,
    read: (from, at) => Array.from({ length: count }, (_, i) => one.read(from, at + i * one.size)),
    write(to, at, values) {
      if (!Array.isArray(values) || values.length !== count) throw wrong(`an array of ${count}`, values);
      values.forEach((value, i) => {
        one.write(to, at + i * one.size, value);
      });
    },
  };
}

/** The codec of a key, a value or a field. */
export function codecOf<T>(layout: Layout, ref: TypeRef): Codec<T> {
  const one = oneCodec(layout, ref);
  return (ref.count === undefined ? one : arrayCodec(one, ref.count)) as Codec<T>;
}

function named(field: FieldLayout, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${field.name}: ${error.message}`);
  }
}

/** The codec of a struct by its C name. */
export function structCodec<T = Values>(layout: Layout, name: string): Codec<T> {
  const struct = layout.structs[name];
  if (!struct) throw new Error(`no struct ${name} in the layout`);
  const fields = struct.fields
    .filter((field) => !isPadding(field.name))
    .map((field) => ({ field, codec: codecOf<unknown>(layout, field) }));
  const codec: Codec<Values> = {
    size: struct.size,
    read(from, at) {
      const values: Values = {};
      for (const { field, codec } of fields) values[field.name] = codec.read(from, at + field.offset);
      return values;
    },
    write(to, at, values) {
      for (let i = 0; i < struct.size; i++) to.setUint8(at + i, 0);
      for (const { field, codec } of fields) named(field, () => codec.write(to, at + field.offset, values[field.name]));
    },
  };
  return codec as Codec<T>;
}

/** The bytes of one value, in a buffer of their own. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const bytes = new Uint8Array(codec.size);
  codec.write(new DataView(bytes.buffer), 0, value);
  return bytes;
}

/** The value at the start of the bytes. */
export const decode = <T>(codec: Codec<T>, bytes: Uint8Array): T =>
  codec.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
