import type { Layout, StructLayout, TypeRef } from "./btf.ts";
import { isOpaque, isPadding, isPerCpu, isRing } from "./map_kind.ts";

/** The text of maps.gen.ts: types for the compiler, and the layout table that the codecs work from. */
export function generate(layout: Layout): string {
  return [
    "// Made by tools/build_bpf.ts from the compiled headers in bpf/maps; do not edit.",
    'import type { Layout } from "./btf.ts";',
    ...Object.entries(layout.enums).map(([name, values]) => enumText(name, values)),
    ...Object.entries(layout.structs)
      .filter(([, struct]) => !hasOpaque(struct))
      .map(([name, struct]) => structText(name, struct)),
    configText(layout),
    mapsText(layout),
    `export const LAYOUT: Layout = ${JSON.stringify(layout, undefined, 1)};`,
    "",
  ].join("\n\n");
}

const pascal = (name: string): string =>
  name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

const hasOpaque = (struct: StructLayout): boolean => struct.fields.some((f) => f.base === "opaque");

/** `enum oh_host_kind { OH_HOST_PEER }` becomes `HostKind.PEER`. */
function enumText(name: string, values: Readonly<Record<string, number>>): string {
  const words = name.replace(/^oh_/, "");
  const prefix = `OH_${(words.split("_")[0] ?? words).toUpperCase()}_`;
  const lines = Object.entries(values).map(([key, value]) => {
    if (!key.startsWith(prefix)) throw new Error(`${key} of enum ${name} does not begin with ${prefix}`);
    return `  ${key.slice(prefix.length)}: ${value},`;
  });
  const type = pascal(words);
  return [
    `/** enum ${name} */`,
    `export const ${type} = {`,
    ...lines,
    "} as const;",
    `export type ${type} = (typeof ${type})[keyof typeof ${type}];`,
  ].join("\n");
}

const TEXT = new Set(["oh_ip4", "oh_mac", "oh_addr", "oh_uuid", "oh_secret"]);

function typeText(ref: TypeRef): string {
  const one = TEXT.has(ref.type)
    ? "string"
    : ref.type === "oh_ns"
      ? "bigint"
      : ref.base === "struct"
        ? pascal(ref.type)
        : ref.base === "bytes"
          ? "Uint8Array"
          : "number";
  return ref.count === undefined ? one : `readonly ${one}[]`;
}

function structText(name: string, struct: StructLayout): string {
  const fields = struct.fields
    .filter((field) => !isPadding(field.name))
    .map((field) => `  readonly ${field.name}: ${typeText(field)}; // ${field.type}`);
  return [`/** struct ${name}, ${struct.size} bytes */`, `export interface ${pascal(name)} {`, ...fields, "}"].join(
    "\n",
  );
}

function configText(layout: Layout): string {
  const fields = Object.entries(layout.config).flatMap(([name, field]) => [
    `  /** ${field.doc} */`,
    `  readonly ${name}: ${typeText(field)};`,
  ]);
  return ["/** Load-time settings (bpf/maps/config.h). */", "export interface Config {", ...fields, "}"].join("\n");
}

function mapsText(layout: Layout): string {
  const lines = Object.entries(layout.maps).flatMap(([name, map]) => {
    if (isRing(map) || isOpaque(map, layout) || !map.key || !map.value) return [];
    const kind = isPerCpu(map) ? "percpu" : "plain";
    return [`  ${name}: { key: ${typeText(map.key)}; value: ${typeText(map.value)}; kind: "${kind}" };`];
  });
  return ["/** Maps that TypeScript reads or writes. */", "export interface MapTypes {", ...lines, "}"].join("\n");
}
