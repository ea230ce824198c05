import { expect, it } from "vitest";
import { brokenLinks, checkDocs, missingPaths, missingStages, stagesOf, unwritten } from "../../tools/docs_check.ts";

const HEADER = "enum oh_stage {\n\tOH_STAGE_PARSE = 1,\t/* words */\n\tOH_STAGE_SOURCE_GUARD,\n\tOH_STAGE_MAX,\n};\n";

it("A path that is named and not there is told with its line; what a build makes is not looked for.", () => {
  const text = "a\n`packages/no/such.ts` and `packages/core/dist/x.o`\n```\n`tools/in_a_fence`\n```\n";
  expect(missingPaths("d.md", text, () => false)).toEqual(["d.md:2: there is no packages/no/such.ts"]);
});

it("Links are followed from the page they stand on, headings too.", () => {
  const tree = { exists: (p: string) => p === "docs/b.md", read: () => "# The first one\n" };
  expect(brokenLinks("docs/a.md", "[x](b.md#the-first-one) [y](https://example.net/z)", tree)).toEqual([]);
  expect(brokenLinks("docs/a.md", "[x](c.md)\n[y](b.md#second)", tree)).toHaveLength(2);
});

it("A mark where something has yet to be written is told.", () => {
  expect(unwritten("a.md", "x\n@@TABLE@@\n")).toEqual(["a.md:2: @@TABLE@@ is not written yet"]);
});

it("Every stage needs a heading.", () => {
  expect(stagesOf(HEADER)).toEqual(["parse", "source_guard"]);
  expect(missingStages(HEADER, "## parse\n## source_guard: whose it is\n")).toEqual([]);
  expect(missingStages(HEADER, "## parse\n")).toEqual(["docs/pipeline.md: no heading for the stage source_guard"]);
});

it("The project's own docs name nothing that is not there.", () => {
  expect(checkDocs()).toEqual([]);
});
