import { readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { abiText } from "../src/abi_text.ts";
import { EVENT_STRUCTS } from "../src/layout.ts";
import { isRing } from "../src/map_kind.ts";
import { LAYOUT } from "../src/maps.gen.ts";

const GOLDEN = new URL("../abi/maps.abi.txt", import.meta.url);

it("the maps' layouts are those of abi/maps.abi.txt (UPDATE_GOLDEN=1 writes it)", async () => {
  const text = abiText(LAYOUT, EVENT_STRUCTS);
  if (process.env.UPDATE_GOLDEN === "1") await writeFile(GOLDEN, text);
  expect(text).toBe(await readFile(GOLDEN, "utf8"));
});

it("every struct is dense: padding is explicit and named pad", () => {
  for (const [name, struct] of Object.entries(LAYOUT.structs)) {
    let end = 0;
    for (const field of struct.fields) {
      expect(field.offset, `${name}.${field.name}`).toBe(end);
      end += field.size * (field.count ?? 1);
    }
    expect(struct.size, name).toBe(end);
  }
});

it("a key has no padding that programs and TypeScript could fill differently", () => {
  for (const [name, map] of Object.entries(LAYOUT.maps)) {
    const sum = LAYOUT.structs[map.key?.type ?? ""]?.fields.reduce((n, f) => n + f.size * (f.count ?? 1), 0);
    expect(sum ?? map.key?.size, name).toBe(isRing(map) ? undefined : map.key?.size);
  }
});
