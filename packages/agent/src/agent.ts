import type { Clock, Report, ToAgent } from "@onehop/core";
import type { Logger } from "pino";
import type { Kernel } from "./kernel/kernel.ts";
import { Learner } from "./learning/learner.ts";
import { Wholeness } from "./learning/wholeness.ts";
import { Desk } from "./look/desk.ts";
import { type Facts, openPlan } from "./lower/index.ts";
import { Reconciler } from "./reconcile/reconciler.ts";
import { type Metrics, makeMetrics } from "./report/metrics.ts";
import { type PlanVersion, SliceStore } from "./sync/slice_store.ts";
import type { Snapshot } from "./sync/snapshot.ts";
import { Stream } from "./sync/stream.ts";

export interface AgentParts {
  /** Name or id of the host. */
  readonly host: string;
  readonly controllers: readonly string[];
  readonly uplinks: readonly string[];
  readonly limits: Facts["limits"];
  readonly kernel: Kernel;
  readonly snapshot: Snapshot;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Slices of one change arrive together: they are one run. */
const GATHER_MS = 5;
/** After a run that failed, or left a port degraded. */
const RETRY_MS = 1000;
/** Between two looks at whether the kernel still is as it was left. */
const REPAIR_MS = 15_000;

/** Slices in, kernel state and reports out. */
export class Agent {
  readonly metrics: Metrics;
  readonly #parts: AgentParts;
  readonly #reconciler: Reconciler;
  readonly #stream: Stream;
  readonly #desk: Desk;
  readonly #learner: Learner;
  readonly #wholeness = new Wholeness();
  /** By this stream a report was sent that says that all is here. */
  #toldWhole = false;
  #slices = new SliceStore();
  #report: Report | undefined;
  #running: Promise<void> | undefined;
  #due = false;
  #dueAt = Number.POSITIVE_INFINITY;
  #problem: string | undefined;
  #failed = false;
  #cancelTimer: () => void = () => undefined;
  #stopped = false;

  constructor(parts: AgentParts) {
    const { kernel, clock, uplinks, limits, logger, host, controllers, random } = parts;
    this.#parts = parts;
    this.#reconciler = new Reconciler({ kernel, clock, uplinks, limits, warn: (message) => logger.warn(message) });
    this.metrics = makeMetrics(
      () => this.#known(),
      () => this.connected,
    );
    this.#stream = new Stream({
      host,
      controllers,
      clock,
      random,
      have: () => this.#slices.held(),
      onMessage: (message) => this.#receive(message),
      onOpen: () => {
        this.#desk.greet();
        this.#wholeness.reset();
        this.#toldWhole = false;
        // One that says that all is here waits until that is known again: a hub must not seem to come and go.
        if (this.#report && !this.#report.whole) this.#stream.send(this.#report);
      },
      onProblem: (problem) => this.#notServed(problem),
    });
    this.#learner = this.#makeLearner(parts);
    this.#desk = new Desk({
      known: () => this.#known(),
      clock,
      wall: parts.wall,
      send: (message) => this.#stream.send(message),
      connected: () => this.connected,
    });
  }

  #makeLearner({ kernel, clock, wall, logger }: AgentParts): Learner {
    return new Learner({
      kernel,
      clock,
      wall,
      reconciler: this.#reconciler,
      send: (message) => this.#stream.send(message),
      heard: () => this.#stream.heard,
      ping: () => this.#stream.ping(),
      whole: () => this.#toldWhole && !this.#failed && this.#slices.current() !== undefined,
      onFalse: (lesson) => {
        this.metrics.falseClaims.inc();
        logger.warn(
          { ...lesson },
          "A host claimed an address that is not its own; its claims are not believed any more.",
        );
      },
      onError: (error) => logger.error({ err: error }, "What was learned could not be looked after."),
    });
  }

  /** The last run did what the plan wants. */
  get healthy(): boolean {
    return this.#report !== undefined && !this.#failed;
  }
  get connected(): boolean {
    return this.#stream.connected;
  }

  /** Works until the signal aborts: from the plan on disk at first, before any controller answers. */
  async run(signal: AbortSignal): Promise<void> {
    const { kernel, snapshot, clock } = this.#parts;
    this.#slices = new SliceStore(await snapshot.load());
    kernel.watch(() => this.trigger(), signal);
    let cancelRepair = () => {};
    const repair = () => {
      this.#reconciler.distrust();
      this.trigger();
      cancelRepair = clock.after(REPAIR_MS, repair);
    };
    repair();
    this.#desk.start();
    this.#learner.start();
    await this.#stream.run(signal);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    this.#stopped = true;
    cancelRepair();
    this.#desk.stop();
    this.#learner.stop();
    this.#cancelTimer();
    await this.#running;
    await this.#save();
  }

  /** The plan or the machine may have changed. */
  trigger(milliseconds = GATHER_MS): void {
    if (this.#stopped) return;
    this.#due = true;
    const { clock } = this.#parts;
    const at = clock.now() + milliseconds;
    // A change that follows another does not put the run off any further.
    if (this.#running || this.#dueAt <= at) return;
    this.#dueAt = at;
    this.#cancelTimer();
    this.#cancelTimer = clock.after(milliseconds, () => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#running = this.#drain().then((again) => {
        this.#running = undefined;
        if (this.#due) this.trigger();
        else if (again !== undefined) this.trigger(again);
      });
    });
  }

  #receive(message: ToAgent): void {
    this.#desk.receive(message);
    this.#learner.receive(message);
    if (message.type !== "slice" && message.type !== "same") return;
    const outcome = this.#slices.accept(message);
    if (outcome === "stale") this.#parts.logger.warn({ slice: message.id, epoch: message.epoch }, "An old slice came.");
    else this.#wholeness.confirm(message.id);
    if (outcome === "taken") this.trigger();
    else this.#tellWhole();
  }

  /** Said once, however often it is tried. */
  #notServed(problem: string): void {
    if (this.#problem !== problem) this.#parts.logger.info({ problem }, "No controller serves this host.");
    this.#problem = problem;
  }

  #known() {
    if (!this.#reconciler.loaded) return undefined;
    const problems = this.#report?.degraded ?? [];
    return { kernel: this.#parts.kernel, mirror: this.#reconciler.mirror, problems };
  }

  /** Milliseconds until the last run is to be tried again, where it is. */
  async #drain(): Promise<number | undefined> {
    let again: number | undefined;
    while (this.#due && !this.#stopped) {
      this.#due = false;
      const version = this.#slices.current();
      again = version ? await this.#attempt(version) : undefined;
    }
    return again;
  }

  /** Milliseconds until it is to be tried again, where it is. */
  async #attempt(version: PlanVersion): Promise<number | undefined> {
    const { clock, logger } = this.#parts;
    const end = this.metrics.applySeconds.startTimer();
    try {
      const started = clock.now();
      await this.#save();
      const result = await this.#reconciler.run(version.plan);
      this.metrics.applies.inc({ result: result.state });
      this.#failed = false;
      if (result.state === "held") return result.milliseconds;
      if (result.state === "done")
        this.#tell({ applied: version.held, degraded: result.problems, hub_of: result.hub_of });
      logger.debug({ state: result.state, ms: Math.round(clock.now() - started) }, "Ran.");
      return result.state === "done" && result.problems.length > 0 ? RETRY_MS : undefined;
    } catch (error) {
      this.metrics.applies.inc({ result: "failed" });
      this.#failed = true;
      logger.error({ err: error }, "The plan could not be applied; it is tried again.");
      this.#tellFailure(version, error);
      return RETRY_MS;
    } finally {
      end();
    }
  }

  async #save(): Promise<void> {
    const { snapshot, logger } = this.#parts;
    const unsaved = this.#slices.takeUnsaved();
    try {
      await snapshot.save(unsaved.changed);
      await snapshot.forget(unsaved.gone);
    } catch (error) {
      this.#slices.stillUnsaved(unsaved);
      // A full disk must not stop the network.
      logger.error({ err: error }, "The plan cannot be kept on disk.");
    }
  }

  /** What was applied before this stream began is all that there is: nothing has to be applied for it. */
  #tellWhole(): void {
    const report = this.#report;
    if (!report || this.#toldWhole || this.#due || this.#running || this.#failed) return;
    if (this.#wholeness.covers(report.applied)) this.#tell(report);
  }

  /** What is in the kernel is what was there, at best: whoever waits for more learns why it does not come. */
  #tellFailure({ plan }: PlanVersion, error: unknown): void {
    const [why] = String((error as Error).message ?? error).split("\n");
    const reason = `Its host cannot do what is planned: ${why}.`;
    const problems = openPlan(plan)?.local.map(({ port }) => ({ port_id: port.id, reason })) ?? [];
    this.#tell({ applied: this.#report?.applied ?? [], degraded: problems });
  }

  #tell({ applied, degraded: problems, hub_of = [] }: Pick<Report, "applied" | "degraded" | "hub_of">): void {
    const before = new Map(this.#report?.degraded.map((p) => [p.port_id, p.reason]));
    for (const { port_id, reason } of problems)
      if (before.get(port_id) !== reason) this.#parts.logger.warn({ port_id, reason }, "A port is degraded.");
    const whole = !this.#failed && this.#wholeness.covers(applied);
    this.#report = { type: "report", applied, degraded: problems, hub_of, ...(whole ? { whole } : {}) };
    this.#toldWhole = whole && this.connected;
    this.metrics.degraded.set(problems.length);
    this.#stream.send(this.#report);
  }
}
