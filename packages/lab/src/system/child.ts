import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { identify, type ProcessId, signal } from "./identity.ts";

export interface ChildOptions {
  readonly name: string;
  readonly argv: readonly string[];
  /** File that gets all it writes; undefined: stdout and stderr are pipes. */
  readonly log?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of the lab. It dies with the lab's own, even on kill -9 (prctl PR_SET_PDEATHSIG). */
export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly id: ProcessId;
  /** Resolves with the exit code (undefined: by a signal) once it is gone. */
  readonly exited: Promise<number | undefined>;

  private constructor(name: string, process: ChildProcess, id: ProcessId, exited: Promise<number | undefined>) {
    this.name = name;
    this.process = process;
    this.id = id;
    this.exited = exited;
  }

  static async start(options: ChildOptions): Promise<Child> {
    const log = options.log === undefined ? undefined : openSync(options.log, "a");
    // A session of its own: Ctrl-C at the terminal reaches the lab only, which ends its children in order.
    const process_ = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...options.argv], {
      stdio: ["ignore", log ?? "pipe", log ?? "pipe"],
      detached: true,
      env: { ...process.env, ...options.env },
    });
    if (log !== undefined) closeSync(log);
    const exited = new Promise<number | undefined>((done) => process_.once("exit", (code) => done(code ?? undefined)));
    await new Promise<void>((done, reject) => process_.once("spawn", done).once("error", reject));
    const id = identify(process_.pid!) ?? { pid: process_.pid!, start: 0 };
    return new Child(options.name, process_, id, exited);
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Asks, and after `graceMs` makes it. */
  async stop(ask: NodeJS.Signals = "SIGTERM", graceMs = 5_000): Promise<void> {
    if (!this.running) return;
    signal(this.id, ask);
    const timer = setTimeout(() => signal(this.id, "SIGKILL"), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    await this.stop("SIGKILL");
  }
}
