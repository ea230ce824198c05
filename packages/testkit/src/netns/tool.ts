import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inNamespace } from "@onehop/lab";

/** Debian's own; a guest needs nothing else. */
const PYTHON = "/usr/bin/python3";
const PATIENCE_MS = 10_000;

/** One of this folder's Python programs in a namespace: it is told a line at a time and answers so. Dies with the test. */
export class Tool {
  readonly #process: ChildProcess;
  readonly #onLine: (line: string) => void;
  #lines: string[] = [];
  #rest = "";
  #complaints = "";
  #wake: () => void = () => undefined;

  private constructor(process: ChildProcess, onLine: ((line: string) => void) | undefined) {
    this.#process = process;
    this.#onLine = onLine ?? ((line) => this.#lines.push(line));
    process.stdout!.setEncoding("utf8").on("data", (piece: string) => this.#take(piece));
    process.stderr!.setEncoding("utf8").on("data", (piece: string) => {
      this.#complaints += piece;
    });
    process.once("close", () => this.#wake());
  }

  /** `onLine` takes every line instead of `hears`. */
  static start(namespace: string, program: string, args: readonly string[], onLine?: (line: string) => void): Tool {
    const script = fileURLToPath(new URL(program, import.meta.url));
    const argv = inNamespace(namespace, [PYTHON, "-u", script, ...args]);
    return new Tool(spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv]), onLine);
  }

  say(line: string): void {
    this.#process.stdin!.write(`${line}\n`);
  }

  /** The words after `word` of the next line that begins so; lines before it are forgotten. */
  async hears(word: string, timeoutMs = PATIENCE_MS): Promise<string[]> {
    const found = await this.until(`"${word}"`, () => this.#next(word), timeoutMs);
    return found.split(" ").slice(1);
  }

  /** Asks `probe` after every piece of output until it gives something. */
  async until<T>(what: string, probe: () => T | undefined, timeoutMs = PATIENCE_MS): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = probe();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (this.#ended) throw new Error(`It ended before it said ${what}: ${this.#complaints.trim()}`);
      if (left <= 0) throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}.`);
      await this.#piece(left);
    }
  }

  async stop(): Promise<void> {
    if (this.#ended) return;
    const closed = new Promise<void>((done) => this.#process.once("close", () => done()));
    this.#process.kill("SIGKILL");
    await closed;
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  #next(word: string): string | undefined {
    const at = this.#lines.findIndex((line) => line === word || line.startsWith(`${word} `));
    return at < 0 ? undefined : this.#lines.splice(0, at + 1)[at];
  }

  #piece(timeoutMs: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  #take(piece: string): void {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#onLine(line);
    this.#wake();
  }
}
