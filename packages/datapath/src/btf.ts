/** From the types that clang recorded in an object (BTF, as `bpftool btf dump -j` prints it) to layouts of maps. */

interface BtfMember {
  readonly name: string;
  readonly type_id: number;
  readonly bits_offset: number;
}
export interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly type_id?: number;
  readonly size?: number;
  readonly encoding?: string;
  readonly nr_elems?: number;
  readonly members?: readonly BtfMember[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
  readonly vars?: readonly { readonly type_id: number }[];
}

export type Base = "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" | "bytes" | "struct" | "opaque";

/** How a value is stored, and what it means. */
export interface TypeRef {
  /** Semantic typedef (`oh_ip4`), name of a struct, or the same as base. */
  readonly type: string;
  readonly base: Base;
  /** Bytes of one element. */
  readonly size: number;
  /** Elements, where it is an array. */
  readonly count?: number;
}
export interface FieldLayout extends TypeRef {
  readonly name: string;
  /** Bytes from the start of the struct. */
  readonly offset: number;
}
export interface StructLayout {
  readonly size: number;
  readonly fields: readonly FieldLayout[];
}
export interface MapLayout {
  /** Name in C and on bpffs, with its version: `routes_v1`. */
  readonly symbol: string;
  readonly version: number;
  /** Number of `enum bpf_map_type`. */
  readonly type: number;
  readonly max_entries: number;
  readonly flags: number;
  readonly key?: TypeRef;
  readonly value?: TypeRef;
}
export interface ConfigField extends TypeRef {
  /** Name of the variable in C. */
  readonly symbol: string;
  readonly doc: string;
}
export interface Layout {
  readonly structs: Readonly<Record<string, StructLayout>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly maps: Readonly<Record<string, MapLayout>>;
  readonly config: Readonly<Record<string, ConfigField>>;
  /** Sizes and field offsets of the kernel's own structs. */
  readonly kernel: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** What to look for in the object. */
export interface LayoutRequest {
  readonly structs: readonly string[];
  readonly enums: readonly string[];
  readonly kernel: readonly string[];
}

const CONFIG_SECTION = ".rodata.config";
/** The kernel's own, in the values of maps that only programs use. */
const OPAQUE = new Set(["bpf_spin_lock", "bpf_timer"]);
const INDIRECT = new Set(["TYPEDEF", "CONST", "VOLATILE"]);

class Types {
  readonly all: readonly BtfType[];
  private readonly byId: ReadonlyMap<number, BtfType>;

  constructor(all: readonly BtfType[]) {
    this.all = all;
    this.byId = new Map(all.map((type) => [type.id, type]));
  }

  get(id: number | undefined): BtfType {
    const type = id === undefined ? undefined : this.byId.get(id);
    if (!type) throw new Error(`BTF has no type ${id}`);
    return type;
  }

  named(kind: string, name: string): BtfType {
    const type = this.all.find((t) => t.kind === kind && t.name === name);
    if (!type) throw new Error(`BTF has no ${kind.toLowerCase()} ${name}`);
    return type;
  }

  /** Follows typedefs and qualifiers to the stored type; `semantic` is the first oh_ typedef on the way. */
  resolve(id: number | undefined): { type: BtfType; semantic: string | undefined } {
    let type = this.get(id);
    let semantic: string | undefined;
    while (INDIRECT.has(type.kind)) {
      if (type.kind === "TYPEDEF" && type.name.startsWith("oh_")) semantic ??= type.name;
      type = this.get(type.type_id);
    }
    return { type, semantic };
  }

  ref(id: number | undefined): TypeRef {
    const { type, semantic } = this.resolve(id);
    if (type.kind === "ARRAY") return { ...this.ref(type.type_id), count: type.nr_elems ?? 0 };
    const size = type.size ?? 0;
    if (type.kind === "INT" || type.kind === "ENUM") {
      const base = `${type.encoding === "SIGNED" ? "i" : "u"}${size * 8}` as Base;
      return { type: semantic ?? base, base, size };
    }
    if (type.kind !== "STRUCT") return { type: type.name, base: "opaque", size };
    if (semantic) return { type: semantic, base: "bytes", size };
    if (OPAQUE.has(type.name)) return { type: type.name, base: "opaque", size };
    return { type: type.name, base: "struct", size };
  }
}

function structLayout(types: Types, name: string): StructLayout {
  const struct = types.named("STRUCT", name);
  const fields = (struct.members ?? []).map((m) => ({
    name: m.name,
    offset: m.bits_offset / 8,
    ...types.ref(m.type_id),
  }));
  return { size: struct.size ?? 0, fields };
}

/** The words of a BTF-defined map: `__uint(x, N)` is a pointer to an array of N, `__type(x, T)` a pointer to T. */
function mapLayout(types: Types, variable: BtfType): MapLayout {
  const members = types.get(variable.type_id).members ?? [];
  const pointed = (name: string): number | undefined => {
    const member = members.find((m) => m.name === name);
    return member && types.get(member.type_id).type_id;
  };
  const number = (name: string): number => {
    const id = pointed(name);
    return id === undefined ? 0 : (types.get(id).nr_elems ?? 0);
  };
  const key = pointed("key");
  const value = pointed("value");
  const version = /_v(\d+)$/.exec(variable.name)?.[1];
  if (!version) throw new Error(`the map ${variable.name} has no version (_v1) in its name`);
  return {
    symbol: variable.name,
    version: Number(version),
    type: number("type"),
    max_entries: number("max_entries"),
    flags: number("map_flags"),
    ...(key === undefined ? {} : { key: types.ref(key) }),
    ...(value === undefined ? {} : { value: types.ref(value) }),
  };
}

const section = (types: Types, name: string): BtfType[] => {
  const found = types.all.find((t) => t.kind === "DATASEC" && t.name === name);
  return (found?.vars ?? []).map((v) => types.get(v.type_id));
};

function configLayout(types: Types): Record<string, ConfigField> {
  const fields: Record<string, ConfigField> = {};
  for (const variable of section(types, CONFIG_SECTION)) {
    const tag = types.all.find((t) => t.kind === "DECL_TAG" && t.type_id === variable.id);
    const doc = tag?.name.replace(/^doc:/, "") ?? "";
    fields[variable.name.replace(/^cfg_/, "")] = { symbol: variable.name, doc, ...types.ref(variable.type_id) };
  }
  return fields;
}

/** Offsets of a struct's fields; those within a union are named `member.field`. */
function kernelOffsets(types: Types, name: string): Record<string, number> {
  const struct = types.named("STRUCT", name);
  const offsets: Record<string, number> = { sizeof: struct.size ?? 0 };
  const walk = (type: BtfType, at: number, prefix: string): void => {
    for (const member of type.members ?? []) {
      const offset = at + member.bits_offset / 8;
      const inner = types.resolve(member.type_id).type;
      const label = member.name === "(anon)" ? prefix : `${prefix}${member.name}`;
      if (member.name !== "(anon)") offsets[label] = offset;
      if (inner.kind === "STRUCT" || inner.kind === "UNION")
        walk(inner, offset, label && !label.endsWith(".") ? `${label}.` : label);
    }
  };
  walk(struct, 0, "");
  return offsets;
}

const byName = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

/** The layout of everything asked for, sorted by name. Throws where the object does not have it. */
export function layoutOf(btf: { readonly types: readonly BtfType[] }, request: LayoutRequest): Layout {
  const types = new Types(btf.types);
  const enumOf = (name: string) =>
    Object.fromEntries((types.named("ENUM", name).values ?? []).map((v) => [v.name, v.val]));
  return {
    structs: byName(request.structs.map((name) => [name, structLayout(types, name)] as const)),
    enums: byName(request.enums.map((name) => [name, enumOf(name)] as const)),
    maps: byName(section(types, ".maps").map((v) => [v.name.replace(/_v\d+$/, ""), mapLayout(types, v)] as const)),
    config: configLayout(types),
    kernel: byName(request.kernel.map((name) => [name, kernelOffsets(types, name)] as const)),
  };
}
