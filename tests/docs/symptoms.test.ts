import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { connect } from "@onehop/cli/node_io";
import { tryRun, until } from "@onehop/lab";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { terminal } from "../../packages/cli/test/terminal.ts";
import { Operator, type Said } from "../operator/operator.ts";
import { difference, hasShown, type Step, stepsOf } from "./console.ts";
import { FAULTS } from "./faults.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = join(ROOT, "docs/symptoms");

let operator: Operator;
let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "onehop-symptoms-"));
  operator = await Operator.at({ hosts: 5, hubs: 2 });
}, 120_000);
afterAll(async () => {
  await operator?.close();
  rmSync(scratch, { recursive: true });
});

type Command = Extract<Step, { kind: "command" }>;
interface Background {
  readonly command: Command;
  readonly child: ChildProcess;
  readonly said: () => string;
}

/** Somebody who types a page from its top to its end. */
class Terminal {
  readonly #env: Record<string, string>;
  #mend: () => Promise<unknown> = async () => undefined;
  #background: Background[] = [];

  constructor() {
    this.#env = { ONEHOP_URL: operator.lab.url, PATH: `${ROOT}bin:${process.env.PATH}`, HOME: scratch, NO_COLOR: "1" };
  }

  async take(step: Step): Promise<void> {
    if (step.kind === "lab") return this.#makes(step.name);
    if (step.line.startsWith("onehop agent ")) return this.#startsAgent(step);
    if (step.line.startsWith("npm run bench ")) return this.#rehearses(step);
    if (step.line.endsWith(" &")) return this.#leaves(step);
    const [, exported, value] = /^export (\w+)=(\w+)/.exec(step.line) ?? [];
    if (exported) this.#env[exported] = value!;
    else await this.#types(step);
  }

  /** What goes on has said what the page shows, and is ended as by Ctrl-C; the lab is well again. */
  async ends(): Promise<void> {
    for (const { command, child, said } of this.#background) {
      await until(`the end of ${command.line}`, () => hasShown(said(), command.shown) || undefined);
      const code = new Promise((done) => child.once("close", done));
      child.kill("SIGINT");
      expect({ line: command.line, code: await code }).toEqual({ line: command.line, code: command.code });
    }
    this.#background = [];
    const mend = this.#mend;
    this.#mend = async () => undefined;
    await mend();
  }

  async #makes(fault: string): Promise<void> {
    await this.ends();
    const make = FAULTS[fault];
    if (!make) throw new Error(`The page wants a lab that is ${fault}; nobody makes that.`);
    this.#mend = await make(operator);
  }

  async #types(command: Command): Promise<void> {
    const [, name, inner] = /^([A-Z]+)=\$\((.*)\)$/.exec(command.line) ?? [];
    const { code, stdout, stderr } = await this.#run(inner ?? command.line);
    expect({ line: command.line, code, stderr }).toMatchObject({ line: command.line, code: command.code });
    if (name) this.#env[name] = stdout.trim();
    const wrong = difference(stdout + stderr, command.shown);
    if (wrong) throw new Error(`${command.line}\n${wrong}`);
  }

  /** In this process where it is one plain command, which is quicker; else in a shell. Namespaces become the lab's. */
  async #run(line: string): Promise<Said> {
    const placed = line.replace(/--namespace (\S+)/, (_, n: string) => `--namespace ${operator.lab.namespaceOf(n)}`);
    const plain = /^onehop (?<words>[\w\s.:/,$-]+?)\s*(#.*)?$/.exec(placed)?.groups?.words;
    if (!plain || plain.includes(" -w ")) return this.#shell(placed);
    const argv = plain.replace(/\$([A-Z]+)/g, (_, name: string) => this.#env[name]!).split(/\s+/);
    const { code, out, err } = await terminal(connect, { env: this.#env, now: Date.now, pause: delay })(...argv);
    return { code, stdout: out, stderr: err };
  }

  #shell(line: string): Promise<Said> {
    const env = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
    return tryRun(["env", "-C", scratch, ...env, "bash", "-o", "pipefail", "-c", line]);
  }

  async #leaves(command: Command): Promise<void> {
    const env = { ...process.env, ...this.#env };
    const line = command.line.replace(/ &$/, "");
    const child = spawn("bash", ["-c", `exec ${line}`], { cwd: scratch, env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (text += String(piece)));
    this.#background.push({ command, child, said: () => text });
    const soon = command.shown.slice(0, -1);
    await until(`the first words of ${line}`, () => hasShown(text, soon) || undefined);
  }

  /** The options are the command's; the agent is the lab's, which knows where its controller is. */
  async #startsAgent({ line }: Command): Promise<void> {
    const help = await this.#shell(line.replace(/ &$/, " --help"));
    expect({ line, ...help }).toMatchObject({ code: 0, stdout: expect.stringContaining("serve the ports") });
    await operator.lab.startAgent(/--host (\S+)/.exec(line)![1]!);
  }

  /** Four minutes are too long for a test: it stops at a number that is none, after all other options were read. */
  async #rehearses({ line }: Command): Promise<void> {
    const { stderr } = await this.#shell(`cd ${ROOT} && ${line} --rounds 0`);
    expect({ line, stderr }).toMatchObject({ stderr: expect.stringContaining("--rounds 0 is not a whole number") });
  }
}

async function typeAll(terminal: Terminal, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await terminal.take(step);
}

const pages = readdirSync(PAGES);

describe("An operator who types all of a page finds the fault that the page is about:", () => {
  it.each(pages)(
    "D16: %s.",
    async (page) => {
      const [before] = (await operator.types("vpc", "history", "prod", "--project", "blue", "-q")).stdout.split("\n");
      const terminal = new Terminal();
      const steps = stepsOf(readFileSync(join(PAGES, page), "utf8"));
      expect(steps.length).toBeGreaterThan(10);
      const typed = await Promise.allSettled([typeAll(terminal, steps)]);
      // The lab is well for the next page, whatever this one came to; what it came to is told first.
      const ended = await Promise.allSettled([terminal.ends()]);
      const back = await operator.types("rollback", "prod", "--project", "blue", "--to", before!, "--wait");
      for (const done of [...typed, ...ended]) if (done.status === "rejected") throw done.reason;
      expect(back).toMatchObject({ code: 0 });
    },
    180_000,
  );

  it("every fault that can be made is on a page.", () => {
    const made = pages.flatMap((p) => stepsOf(readFileSync(join(PAGES, p), "utf8")));
    expect(new Set(made.flatMap((s) => (s.kind === "lab" ? [s.name] : [])))).toEqual(new Set(Object.keys(FAULTS)));
  });
});

describe("What a page shows", () => {
  const printed = "NAME  PACKETS  SINCE\nweb-1  12  2026-11-21T23:07:59Z\n\nlast\n";
  it.each<[string, string[], boolean]>([
    ["may have other times and numbers", ["NAME PACKETS SINCE", "web-1 3 2020-01-01T00:00:00Z", "last"], true],
    ["may leave lines out where it says so", ["…", "last"], true],
    ["may leave part of a line out", ["NAME …", "…"], true],
    ["must say that more comes", ["NAME PACKETS SINCE"], false],
    ["must not say nothing where something was", ["…", "web-1 0 2020-01-01T00:00:00Z", "…"], false],
    ["must have been printed", ["…", "web-2 3 2020-01-01T00:00:00Z", "…"], false],
    ["must be in order", ["…", "last", "web-1 3 2020-01-01T00:00:00Z"], false],
  ])("%s.", (_, shown, same) => {
    expect(difference(printed, shown) === undefined).toBe(same);
  });
});
