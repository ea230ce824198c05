import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DropList, TraceAnswer } from "@onehop/core";
import { type Guest, inNamespace, Lab, type LabOptions, run, tryRun } from "@onehop/lab";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What is there: two tenants. */
export const EXAMPLE = readFileSync(`${ROOT}examples/two-tenants.yaml`, "utf8");

export interface Said {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody with a terminal in front of a region: two tenants, blue and green, with the same addresses. */
export class Operator {
  readonly lab: Lab;
  readonly guests: ReadonlyMap<string, Guest>;

  private constructor(lab: Lab, guests: ReadonlyMap<string, Guest>) {
    this.lab = lab;
    this.guests = guests;
  }

  static async at(options: LabOptions = {}): Promise<Operator> {
    await run([`${ROOT}tools/setup.sh`], { timeoutMs: 600_000 });
    const lab = await Lab.up(options);
    try {
      await lab.apply(EXAMPLE);
      await lab.realised();
      return new Operator(lab, new Map((await lab.guests()).map((g) => [g.name, g])));
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  guest(name: string): Guest {
    const guest = this.guests.get(name);
    if (!guest) throw new Error(`There is no guest ${name}.`);
    return guest;
  }

  /** The command as it is typed. */
  types(...words: readonly string[]): Promise<Said> {
    return this.typesAs({}, ...words);
  }

  /** With other words in the environment, such as a tenant's token. */
  typesAs(env: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<Said> {
    const all = { ONEHOP_URL: this.lab.url, ...env };
    const settings = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    return tryRun(["env", ...settings, `${ROOT}bin/onehop`, ...words], { timeoutMs: 60_000 });
  }

  async trace(from: string, to: string, ...more: readonly string[]): Promise<TraceAnswer> {
    const said = await this.types("trace", "--project", "blue", "--from", from, "--to", to, ...more, "-o", "json");
    if (said.code !== 0) throw new Error(said.stderr);
    return JSON.parse(said.stdout) as TraceAnswer;
  }

  async drops(...more: readonly string[]): Promise<DropList> {
    const said = await this.types("drops", ...more, "-o", "json");
    if (said.code !== 0) throw new Error(said.stderr);
    return JSON.parse(said.stdout) as DropList;
  }

  /** Whether one ping was answered. */
  async pings(guest: string, to: string, ...more: readonly string[]): Promise<boolean> {
    const argv = ["ping", "-n", "-c", "1", "-W", "1", ...more, to];
    const { code } = await tryRun(inNamespace(this.guest(guest).namespace, argv));
    return code === 0;
  }

  ip(namespace: string, ...words: readonly string[]): Promise<string> {
    return run(["ip", "-n", namespace, ...words]);
  }

  close(): Promise<void> {
    return this.lab.close();
  }
}
