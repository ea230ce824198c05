import { cpus, loadavg, release } from "node:os";
import { Lab } from "@onehop/lab";
import type { FabricPlan } from "@onehop/lab/fabric/plan";
import { ping } from "@onehop/lab/traffic/ping";
import { type ControlPlane, measureControlPlane } from "./control_plane.ts";
import { MEASURES } from "./figures/figure.ts";
import { type ProgramNs, programNs, withStatistics } from "./figures/programs.ts";
import { buildBridgeVxlan } from "./paths/bridge_vxlan.ts";
import { hostPath } from "./paths/host.ts";
import { buildOnehop } from "./paths/onehop.ts";
import { buildOvs } from "./paths/ovs.ts";
import type { BenchPath, PathName } from "./paths/path.ts";
import { buildUnderlay, withoutOffloads } from "./paths/underlay.ts";
import { type BenchResult, resultOf } from "./report/result.ts";
import { rowsOf } from "./report/row.ts";
import { type Offloads, type Point, pointsOf, Samples } from "./rounds.ts";
import { wayProblems } from "./way.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** Of each point. */
  readonly seconds: number;
  readonly progress: (what: string) => void;
  /** Aborted: no further point begins. */
  readonly signal: AbortSignal;
}

/** Load average up to which a machine counts as calm; the set-up before makes some. */
const CALM = 2;

/** Builds every path, measures, and takes all of it down again. */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const lab = await Lab.up({ hosts: 2, progress: options.progress });
  try {
    return await new Bench(lab, options).run();
  } finally {
    options.progress("Cleaning up");
    await lab.close();
  }
}

class Bench {
  readonly #lab: Lab;
  readonly #options: BenchOptions;
  readonly #start = performance.now();
  readonly #samples = new Samples();
  readonly #problems: string[] = [];
  #paths = new Map<PathName, BenchPath>();
  /** Underlays of the paths that are measured without offloads as well. */
  #underlays: readonly FabricPlan[] = [];
  /** Puts the underlay's offloads back; there while they are off. */
  #restore: (() => Promise<void>)[] = [];

  constructor(lab: Lab, options: BenchOptions) {
    this.#lab = lab;
    this.#options = options;
  }

  async run(): Promise<BenchResult> {
    const { rounds, seconds, progress } = this.#options;
    await this.#build();
    const load = loadavg()[0]!;
    if (load > CALM) progress(`The machine is busy (load ${load.toFixed(1)}): figures will be low and far apart`);
    for (let round = 0; round < rounds; round++) await this.#round(round);
    progress("Programs, with the kernel's statistics on");
    const programs = await this.#try("programs", () => this.#programs());
    progress("Way over the underlay, control plane");
    const way = await this.#try("way", () => wayProblems(this.#lab));
    const controlPlane = await this.#try("control plane", (): Promise<ControlPlane> => measureControlPlane(this.#lab));
    return resultOf({
      rows: rowsOf(this.#samples, programs ?? {}),
      controlPlane,
      wayProblems: way,
      problems: this.#problems,
      conditions: {
        rounds,
        seconds_a_point: seconds,
        kernel: release(),
        processor: cpus()[0]?.model ?? "unknown",
        processors: cpus().length,
        underlay_mtu: this.#lab.fabric.mtu,
        load_before: load,
        took_s: Math.round((performance.now() - this.#start) / 1000),
      },
    });
  }

  async #build(): Promise<void> {
    const { progress } = this.#options;
    progress("Building the paths: onehop, host to host, bridge + VXLAN, Open vSwitch");
    const limit = await buildUnderlay(this.#lab, "limit");
    const paths = [
      hostPath(limit),
      ...(await buildOnehop(this.#lab)),
      await buildBridgeVxlan(this.#lab),
      await buildOvs(this.#lab),
    ];
    this.#paths = new Map(paths.map((path) => [path.name, path]));
    this.#underlays = [limit, this.#lab.fabric];
    for (const path of paths) await this.#warmUp(path);
  }

  /** Neighbours are asked for and MACs learned before anything counts. */
  async #warmUp(path: BenchPath): Promise<void> {
    const { received } = await ping({ namespace: path.from, to: path.address, count: 20 });
    if (received === 0) throw new Error(`Nothing comes through on the path ${path.name}.`);
  }

  async #round(round: number): Promise<void> {
    const { rounds, progress, signal } = this.#options;
    let figure = "";
    for (const point of pointsOf(round)) {
      signal.throwIfAborted();
      const heading = `${point.figure}${point.offloads === "off" ? " without offloads" : ""}`;
      if (heading !== figure) progress(`Round ${round + 1} of ${rounds}: ${heading}`);
      figure = heading;
      await this.#point(point, round);
    }
    await this.#setOffloads("on");
  }

  async #point(point: Point, round: number): Promise<void> {
    await this.#setOffloads(point.offloads);
    const path = this.#paths.get(point.path)!;
    const what = `round ${round + 1}, ${point.path}, ${point.figure}`;
    const value = await this.#try(what, () => MEASURES[point.figure](path, this.#options.seconds));
    if (value !== undefined) this.#samples.add(point, value);
  }

  async #setOffloads(to: Offloads): Promise<void> {
    if (to === "off" && this.#restore.length === 0)
      for (const underlay of this.#underlays) this.#restore.push(await withoutOffloads(underlay));
    if (to === "on") for (const restore of this.#restore.splice(0)) await restore();
  }

  #programs(): Promise<Partial<Record<PathName, ProgramNs>>> {
    const own = [...this.#paths.values()].filter(({ name }) => name.startsWith("onehop"));
    return withStatistics(async () => {
      const found: Partial<Record<PathName, ProgramNs>> = {};
      for (const path of own) found[path.name] = await programNs(this.#lab, path, this.#options.seconds);
      return found;
    });
  }

  /** A point that fails is told, and costs no other point. */
  async #try<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#problems.push(`${what}: ${why}`);
      this.#options.progress(`✗ ${what}: ${why}`);
      return undefined;
    }
  }
}
