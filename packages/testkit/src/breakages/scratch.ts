import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Breakage, NamedTest } from "./breakage.ts";

/**
 * What a named test did. failed: what it expects did not hold. erred: it threw something else, such as the verifier's
 * refusal. absent: it did not run, for a build failed or it has another name.
 */
export type TestResult = "passed" | "failed" | "erred" | "absent";

const LEFT_OUT = new Set(["node_modules", ".git", ".cache"]);

/** A copy of the tree in which things may be broken. The installed packages are shared with the original. */
export class Scratch {
  readonly folder: string;

  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), "onehop-breakages-"));
    for (const name of readdirSync(root))
      if (!LEFT_OUT.has(name))
        cpSync(join(root, name), join(this.folder, name), {
          recursive: true,
          filter: (path) => !LEFT_OUT.has(basename(path)),
        });
    this.#linkPackages(root);
  }

  /** Links everything but the workspaces, which lead into the copy. */
  #linkPackages(root: string): void {
    const [from, to] = [join(root, "node_modules"), join(this.folder, "node_modules")];
    mkdirSync(join(to, "@onehop"), { recursive: true });
    for (const name of readdirSync(from))
      if (name !== "@onehop" && !name.startsWith(".")) symlinkSync(join(from, name), join(to, name));
    for (const name of readdirSync(join(from, "@onehop")))
      symlinkSync(join(this.folder, "packages", name), join(to, "@onehop", name));
  }

  /** Runs `during` with the breakage in place, and mends it after. */
  async broken<T>({ file, find, replace }: Breakage, during: () => Promise<T>): Promise<T> {
    const path = join(this.folder, file);
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, applied(whole, { file, find, replace }));
    try {
      return await during();
    } finally {
      writeFileSync(path, whole);
    }
  }

  /** Runs one test by its title. Output goes nowhere: what counts is whether it passed. */
  async run(test: NamedTest): Promise<TestResult> {
    const report = join(this.folder, "report.json");
    rmSync(report, { force: true });
    const args = ["run", test.file, "-t", `^${escaped(test.title)}$`, "--reporter=json", `--outputFile=${report}`];
    await new Promise<void>((resolve, reject) => {
      const child = spawn(process.execPath, [join("node_modules", "vitest", "vitest.mjs"), ...args], {
        cwd: this.folder,
        // The same packets before and after: what turns red is the breakage's doing.
        env: { ...process.env, ONEHOP_SEED: "1" },
        stdio: "ignore",
      });
      child.on("error", reject);
      child.on("exit", () => resolve());
    });
    return resultIn(report, test.title);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The text with the breakage in it. Throws where the place is not there, or there twice. */
export function applied(text: string, { file, find, replace }: Pick<Breakage, "file" | "find" | "replace">): string {
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} times: ${find}`);
  return text.split(find).join(replace);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** How a failure begins that is the test's own judgement; the API's fixture says "accepted" where a refusal was due. */
const EXPECTATION = /^(AssertionError|Error: accepted:)/;

function resultIn(file: string, title: string): TestResult {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return "absent";
  }
  const found = report.testResults.flatMap((f) => f.assertionResults).find((a) => a.fullName.trim() === title);
  if (found?.status === "passed") return "passed";
  if (found?.status !== "failed") return "absent";
  return found.failureMessages.every((message) => EXPECTATION.test(message)) ? "failed" : "erred";
}
