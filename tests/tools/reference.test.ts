import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REFERENCE, referencePages } from "../../tools/reference.ts";

test("docs/reference says what the sources say; `npx tsx tools/reference.ts` writes it anew", async () => {
  for (const [name, text] of await referencePages())
    expect(readFileSync(join(REFERENCE, name), "utf8"), name).toBe(text);
});
