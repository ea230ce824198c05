import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DemoResult, inNamespace, Lab, run, until } from "@onehop/lab";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START = join(ROOT, "tools/start.sh");
const ONEHOP = join(ROOT, "bin/onehop");
const EXAMPLE = readFileSync(join(ROOT, "examples/two-tenants.yaml"), "utf8");
const PROMISES = ["Q1", "Q2", "Q13", "Q15", "Q21", "Q22", "Q23", "Q28", "Q29", "Q30"];

// A whole demonstration takes half a minute on an idle machine.
vi.setConfig({ testTimeout: 240_000 });

let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "onehop-demo-"));
  await run([join(ROOT, "tools/setup.sh")]);
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** A command under way: what it says, and its end. */
class Running {
  said = "";
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  constructor(argv: readonly string[]) {
    this.process = spawn(argv[0]!, argv.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout!, this.process.stderr!])
      stream.on("data", (piece: Buffer) => {
        this.said += piece.toString();
      });
    this.ended = new Promise((done) => this.process.once("close", (code) => done(code)));
  }
  /** Resolves when it has said so; the lab's id, once it was told. */
  says(words: string): Promise<string> {
    return until(`"${words}"`, () => {
      if (this.process.exitCode !== null) throw new Error(`It ended: ${this.said}`);
      return this.said.includes(words) ? this.id : undefined;
    });
  }
  get id(): string {
    return /Lab (\w+)/.exec(this.said)?.[1] ?? "";
  }
}

const resultIn = (file: string): DemoResult => JSON.parse(readFileSync(file, "utf8")) as DemoResult;

/** Of every process (proc(5)). */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return ""; // it ended meanwhile
      }
    });
}

/** Everything on this machine that has the lab's id in its name: namespaces, mounts, processes, files. */
async function tracesOf(id: string): Promise<string[]> {
  const namespaces = (await run(["ip", "netns", "list"])).split("\n").filter((n) => n.startsWith(`oh${id}-`));
  const mounts = (await run(["findmnt", "--raw", "-n", "-o", "TARGET"]))
    .split("\n")
    .filter((m) => m.includes(`lab-${id}`));
  const processes = commandLines().filter((line) => line.includes(`lab-${id}/`));
  const files = (await run(["find", "/run", "-maxdepth", "2", "-name", `*${id}*`])).split("\n").filter(Boolean);
  return [...namespaces, ...mounts, ...processes, ...files];
}

describe("npm start -- --once --json", () => {
  test("Q1 Q2 Q13 Q15 Q21 Q22 Q23 Q28 Q29 Q30: every row holds, beside another lab that is up, and nothing is left behind", async () => {
    const other = await Lab.up();
    try {
      await other.apply(EXAMPLE);
      await other.realised();
      const file = join(scratch, "whole.json");
      const demo = new Running([START, "--once", "--json", file]);
      expect(await demo.ended, demo.said).toBe(0);
      const result = resultIn(file);
      expect(result.rows).toHaveLength(8);
      for (const row of result.rows) {
        expect(row).toMatchObject({ ok: true, encapsulations: row.case.endsWith("cross-host") ? 1 : 0 });
        const isLearned = row.case === "routed/cross-host";
        const first = { encapsulations: 2, hub: expect.stringMatching(/^h[45]$/) };
        expect(row.first_packet).toEqual(isLearned ? first : null);
        expect(row.rtt_us).toBeGreaterThan(0);
        expect(row.tcp_gbps).toBeGreaterThan(0);
      }
      expect(result.cross_vpc_packets).toBe(0);
      expect(result.promises).toEqual(Object.fromEntries(PROMISES.map((id) => [id, true])));
      expect(demo.said).toContain("Cross-VPC packets: 0");
      expect(await tracesOf(demo.id)).toEqual([]);
      const guest = other.namespaceOf("green-db-1");
      expect(await run(inNamespace(guest, ["ping", "-c1", "-W1", "10.0.2.11"]))).toContain("1 received");
    } finally {
      await other.close();
    }
    expect(await tracesOf(other.id)).toEqual([]);
  });

  test("a cut link turns the rows across it red, and the exit code is not 0", async () => {
    const [file, blue] = [join(scratch, "cut.json"), join(scratch, "blue.yaml")];
    writeFileSync(
      blue,
      EXAMPLE.split("---\n")
        .filter((d) => !d.includes("green"))
        .join("---\n"),
    );
    const demo = new Running([START, "--once", "--json", file, "--file", blue]);
    const id = await demo.says("Sending and listening (1");
    // Nobody takes what is there meanwhile for a result.
    expect(resultIn(file)).toMatchObject({ ok: false, rows: [] });
    await run(["ip", "-n", `oh${id}-fabric`, "link", "set", "h2-0", "down"]);
    expect(await demo.ended, demo.said).toBe(1);
    const { rows, promises, ok } = resultIn(file);
    expect(ok).toBe(false);
    expect(rows.map((r) => [r.path, r.ok])).toEqual([
      ["h1", true],
      ["h1 → h3", true],
      ["h1", true],
      ["h1 → h2", false],
    ]);
    expect(promises).toMatchObject({ Q1: false, Q21: true, Q23: false, Q29: false, Q30: false });
    expect(await tracesOf(id)).toEqual([]);
  });
});

describe("a lab", () => {
  test("ends at Ctrl-C, however often it is pressed, and leaves nothing behind", async () => {
    const lab = new Running([ONEHOP, "lab", "up", "--hosts", "2"]);
    const id = await lab.says(" is up: ");
    expect(await tracesOf(id)).not.toEqual([]);
    lab.process.kill("SIGINT");
    lab.process.kill("SIGINT");
    expect(await lab.ended).toBe(0);
    expect(await tracesOf(id)).toEqual([]);
  });

  test("that was killed takes its processes with it, and the next one removes the rest", async () => {
    const killed = new Running([ONEHOP, "lab", "up", "--hosts", "1"]);
    const id = await killed.says(" is up: ");
    killed.process.kill("SIGKILL");
    await killed.ended;
    await until("its processes to end", () => !commandLines().some((l) => l.includes(`lab-${id}/`)) || undefined);
    expect(await tracesOf(id)).not.toEqual([]);
    const next = await Lab.up({ hosts: 1 });
    try {
      expect(await tracesOf(id)).toEqual([]);
    } finally {
      await next.close();
    }
  });
});
