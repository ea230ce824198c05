import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { connect } from "../src/node_io.ts";
import { startRegion } from "./region.ts";
import { terminal } from "./terminal.ts";

const PAGE = readFileSync(new URL("../../../docs/operate.md", import.meta.url), "utf8");
const blocksOf = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((m) => m[1]!);

/** `GOOD=$(onehop …)`, `onehop … $GOOD`, `# exits with 1`: all of a shell that the page uses. */
const LINE = /^(?:(?<name>[A-Z]+)=\$\()?onehop (?<words>[^#)]*?)\)?\s*(?:# exits with (?<code>\d))?$/;

it("Every command of docs/operate.md does what the page says, in the page's order (D16)", async () => {
  const region = await startRegion();
  const files = Object.fromEntries(blocksOf("yaml").map((text) => [/^# (\S+)/.exec(text)![1]!, text]));
  const onehop = terminal(connect, { files, env: { ONEHOP_URL: region.url } });
  const variables: Record<string, string> = {};
  const lines = blocksOf("sh").flatMap((block) => block.trim().split("\n"));
  expect(lines.length).toBeGreaterThan(15);
  for (const line of lines) {
    const { name, words, code = "0" } = LINE.exec(line)!.groups as { name?: string; words: string; code?: string };
    const argv = words.replace(/\$([A-Z]+)/g, (_, v: string) => variables[v]!).split(/\s+/);
    const ran = await onehop(...argv);
    expect({ line, code: ran.code, err: ran.err }).toMatchObject({ line, code: Number(code) });
    if (name) variables[name] = ran.out.trim();
  }
  expect((await onehop("port", "list", "-o", "name")).out).toBe("port/web-1\n");
  await region.close();
});
