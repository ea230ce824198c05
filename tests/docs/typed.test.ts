import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run, tryRun, until } from "@onehop/lab";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SECONDS = 180;

/** README's tour and the session of docs/seeing.md, typed as they stand at the lab that docs/seeing.md makes. */
let id = "";
const background: ChildProcess[] = [];
const ended: Promise<unknown>[] = [];
beforeAll(() => run([join(ROOT, "tools/setup.sh")], { timeoutMs: 600_000 }), 600_000);
afterAll(async () => {
  for (const child of background) child.kill("SIGKILL");
  if (id) await tryRun([join(ROOT, "bin/onehop"), "lab", "down", id]);
}, 60_000);

/** The lines of a page's `sh` blocks between two of its headings. */
function linesOf(page: string, from: string, to: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const part = text.slice(text.indexOf(`\n## ${from}`), text.indexOf(`\n## ${to}`));
  const blocks = [...part.matchAll(/^```sh\n(.*?)^```$/gms)].map((m) => m[1]!);
  return blocks.flatMap((block) => block.split("\n")).filter((line) => line !== "" && !line.startsWith("export "));
}

/** What a terminal in this directory has set; another lab may be up beside this one, as the default socket's. */
function shell(line: string): string[] {
  const url = id ? [`ONEHOP_URL=unix:/run/onehop/lab-${id}/api.sock`] : [];
  return ["env", "-C", ROOT, ...url, `PATH=${ROOT}bin:${process.env.PATH}`, "NO_COLOR=1", "bash", "-c", line];
}

async function type(line: string): Promise<string> {
  const placed = line.startsWith("onehop lab down") ? `onehop lab down ${id}` : line;
  const { code, stdout, stderr } = await tryRun(shell(placed), { timeoutMs: 60_000 });
  const expected = Number(/exits with (\d)/.exec(line)?.[1] ?? 0);
  expect({ line, code, said: stdout + stderr }).toMatchObject({ line, code: expected });
  id ||= /^.*Lab (\w+) is up/m.exec(stderr)?.[1] ?? "";
  return stdout;
}

/** Types lines one after the other; what listens goes on in a terminal of its own. What each printed, by its words. */
async function typeAll(lines: readonly string[], said = new Map<string, string>()): Promise<Map<string, string>> {
  for (const line of lines) {
    const words = line.replace(/\s*#.*$/, "");
    said.set(said.has(words) ? `${words} again` : words, line.includes("tcpdump") ? "" : await type(line));
    if (!line.includes("tcpdump")) continue;
    const child = spawn("env", shell(`exec ${line}`).slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    background.push(child);
    ended.push(new Promise((done) => child.once("close", done)));
    let errors = "";
    child.stderr.on("data", (piece) => (errors += String(piece)));
    child.stdout.on("data", (piece) => said.set(words, said.get(words) + String(piece)));
    await until("tcpdump to listen", () => errors.includes("listening on") || undefined);
  }
  await Promise.all(ended);
  return said;
}

test(
  "README's tour shows a first packet by a hub and the next straight, and the session of docs/seeing.md says which way each took.",
  async () => {
    const [up, ...session] = linesOf("docs/seeing.md", "why, learned", "capture");
    const down = session.pop()!;
    expect([up, down]).toEqual([expect.stringContaining("lab up"), expect.stringContaining("lab down")]);
    await type(up!);

    const tour = await typeAll(linesOf("README.md", "Ten minutes with it", "Where to go on"));
    expect(tour.size).toBeGreaterThan(20);
    expect(tour.get("onehop why alice bob")).toMatch(/^hub\./);
    expect(tour.get("onehop why alice bob again")).toMatch(/^direct to h2 for /);
    expect(tour.get("onehop learned --host h1")).toMatch(/^h1 +sky +10\.0\.2\.2 +h2 +bob /m);
    expect(tour.get("onehop port counters alice")).toMatch(/^drops\.unknown_destination +2$/m);
    const wire = [...tour].find(([line]) => line.includes("tcpdump"))![1];
    const hops = [...wire.matchAll(/IP 192\.0\.2\.(\d)\.\d+ > 192\.0\.2\.(\d)\.4789: VXLAN/g)].map(
      (m) => `${m[1]}${m[2]}`,
    );
    expect(hops.join(" ")).toMatch(/^1(?<there>[45]) \k<there>2 2(?<back>[45]) \k<back>1 12 21$/);
    expect(tour.get("onehop lab exec alice -- ping -c 3 10.0.2.2")).toContain(" 3 received");

    const seen = await typeAll(session);
    const why = "onehop why app-2 10.0.1.10 --project blue";
    expect(seen.get(why)).toMatch(/^hub\./);
    expect(seen.get(`${why} again`)).toMatch(/^direct to h1 for /);
    expect(seen.get("onehop learned --host h3")).toMatch(/^h3 +prod +10\.0\.1\.10 +h1 +web-1 /m);
    const mended = "onehop lab exec blue-app-2 -- ping -c 2 10.0.1.10";
    await until("what h3 learned to be mended", async () => {
      await type(mended);
      return (await type(why)).startsWith("direct to h2") || undefined;
    });
    await type(down);
    id = "";
  },
  SECONDS * 1000,
);
