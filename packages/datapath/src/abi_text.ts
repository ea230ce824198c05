import type { Layout, TypeRef } from "./btf.ts";
import { mapTypeName } from "./map_kind.ts";

const typeText = (ref: TypeRef): string => (ref.count === undefined ? ref.type : `${ref.type}[${ref.count}]`);

function structLines(layout: Layout, label: string, ref: TypeRef | undefined): string[] {
  if (!ref) return [];
  const struct = layout.structs[ref.type];
  if (!struct) return [`  ${label} ${typeText(ref)}, ${ref.size} bytes`];
  const fields = struct.fields.map((f) => `    ${String(f.offset).padStart(3)} ${f.name} ${typeText(f)}`);
  return [`  ${label} ${ref.type}, ${struct.size} bytes`, ...fields];
}

/** What a pinned map and an event look like to another version of onehop, one line a field. */
export function abiText(layout: Layout, events: Readonly<Record<string, string>>): string {
  const blocks = Object.values(layout.maps).map((map) => {
    const event = events[map.symbol];
    return [
      `${map.symbol} ${mapTypeName(map.type)} max_entries=${map.max_entries} flags=${map.flags} version=${map.version}`,
      ...structLines(layout, "key", map.key),
      ...structLines(layout, "value", map.value),
      ...(event ? structLines(layout, "event", { type: event, base: "struct", size: 0 }) : []),
    ].join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}
