import { hex, sameBytes } from "./bytes.ts";
import { decode } from "./decode.ts";
import type { Layer } from "./layers.ts";

/**
 * Where two frames differ, a line for each field, such as `ipv4.ttl: expected 63, got 64`; empty where they are equal.
 * Layers of an encapsulated frame are named `inner.ipv4.ttl`, those of a quoted packet `quoted.ipv4.ttl`.
 */
export function diffFrames(expected: Uint8Array, got: Uint8Array): string[] {
  if (sameBytes(expected, got)) return [];
  const lines: string[] = [];
  const [a, b] = [decode(expected), decode(got)];
  const names = namesOf(a);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [want, have] = [a[i], b[i]];
    if (!want || !have || want.kind !== have.kind) {
      lines.push(`layer ${i}: expected ${want?.kind ?? "nothing"}, got ${have?.kind ?? "nothing"}`);
      break;
    }
    lines.push(...diffLayers(names[i]!, want, have));
  }
  if (expected.length !== got.length) lines.push(`frame.length: expected ${expected.length}, got ${got.length}`);
  return lines.length > 0 ? lines : [firstByte(expected, got)];
}

function diffLayers(name: string, want: Layer, have: Layer): string[] {
  const lines: string[] = [];
  const theirs = new Map<string, unknown>(Object.entries(have));
  for (const [field, value] of Object.entries(want)) {
    const other = theirs.get(field);
    if (show(value) !== show(other)) lines.push(`${name}.${field}: expected ${show(value)}, got ${show(other)}`);
  }
  return lines;
}

/** One name a layer: `eth`, `ipv4`, …, with what it is inside of in front. */
function namesOf(layers: readonly Layer[]): string[] {
  let prefix = "";
  return layers.map((layer, i) => {
    const before = layers[i - 1]?.kind;
    if (before === "vxlan") prefix += "inner.";
    if (before === "icmp" && layer.kind === "ipv4") prefix += "quoted.";
    return prefix + layer.kind;
  });
}

const show = (value: unknown): string => (value instanceof Uint8Array ? hex(value) || "none" : String(value));

function firstByte(a: Uint8Array, b: Uint8Array): string {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return `byte ${at}: expected ${a[at]}, got ${b[at]}`;
}
