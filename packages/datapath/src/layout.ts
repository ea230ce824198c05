import { LAYOUT, type MapTypes } from "./maps.gen.ts";

/** Structs that travel in ring buffers, by map; BTF does not name them. */
export const EVENT_STRUCTS: Readonly<Record<string, string>> = { events_v1: "drop_event", watched_v1: "watched" };

export type MapName = keyof MapTypes;

/** Offset of a field of a kernel struct, bytes; `sizeof` is its size. */
export function kernelOffset(struct: string, field: string): number {
  const offset = LAYOUT.kernel[struct]?.[field];
  if (offset === undefined) throw new Error(`the kernel's headers have no ${struct}.${field}`);
  return offset;
}

/** Prefix length of an LPM key with a 32-bit number and a 16-byte address before an IPv4 range's own length. */
export const lpmPrefix = (ipv4Prefix: number): number => 32 + 96 + ipv4Prefix;

/** The same of the map hub_sources, whose keys have two numbers before the address. */
export const hubSourcePrefix = (ipv4Prefix: number): number => 32 + lpmPrefix(ipv4Prefix);
