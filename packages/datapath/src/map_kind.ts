import type { Layout, MapLayout } from "./btf.ts";

/** Numbers of `enum bpf_map_type` (linux/bpf.h) that onehop uses. */
export const MAP_TYPES: Readonly<Record<number, string>> = {
  1: "hash",
  2: "array",
  5: "percpu_hash",
  6: "percpu_array",
  9: "lru_hash",
  11: "lpm_trie",
  27: "ringbuf",
};

export const mapTypeName = (type: number): string => MAP_TYPES[type] ?? `type ${type}`;
export const isPerCpu = (map: MapLayout): boolean => mapTypeName(map.type).startsWith("percpu");
export const isArray = (map: MapLayout): boolean => mapTypeName(map.type).endsWith("array");
export const isRing = (map: MapLayout): boolean => mapTypeName(map.type) === "ringbuf";

/** A map whose value holds a kernel object (a spin lock): programs only, no codec. */
export const isOpaque = (map: MapLayout, layout: Layout): boolean =>
  layout.structs[map.value?.type ?? ""]?.fields.some((field) => field.base === "opaque") ?? false;

/** Padding is explicit in C, and hidden from TypeScript; written as zero. */
export const isPadding = (name: string): boolean => /^pad\d*$/.test(name);
