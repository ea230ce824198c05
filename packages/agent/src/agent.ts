import type { Clock, Report } from "@onehop/core";
import type { Logger } from "pino";
import type { Kernel } from "./kernel/kernel.ts";
import { Learner } from "./learning/learner.ts";
import { Desk } from "./look/desk.ts";
import { type Facts, openPlan } from "./lower/index.ts";
import { Reconciler } from "./reconcile/reconciler.ts";
import { type Metrics, makeMetrics } from "./report/metrics.ts";
import type { AddressBook } from "./sync/address_book.ts";
import { Controllers } from "./sync/controllers.ts";
import { type PlanVersion, SliceStore } from "./sync/slice_store.ts";
import type { Snapshot } from "./sync/snapshot.ts";
import type { Dial } from "./sync/stream.ts";

export interface AgentParts {
  /** Name or id of the host. */
  readonly host: string;
  readonly controllers: readonly string[];
  readonly dial: Dial;
  readonly book: AddressBook;
  readonly uplinks: readonly string[];
  readonly limits: Facts["limits"];
  readonly kernel: Kernel;
  readonly snapshot: Pick<Snapshot, "load" | "save" | "forget">;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Slices of one change arrive together: they are one run. */
const GATHER_MS = 5;
/** After a run that changed tables only, for each of its milliseconds and at most: where changes come fast, one run does several. */
const REST_PART = 6;
const MOST_REST_MS = 60;
/** After a run that failed, or left a port degraded. */
const RETRY_MS = 1000;
/** Between two looks at whether the kernel still is as it was left, at least; looking takes one part of so many of the time. */
const REPAIR_MS = 15_000;
const REPAIR_PART = 200;
/**
 * How long a host whose slices somebody vouched for still calls itself whole: another controller takes them over, also those of
 * one that hangs, and hosts by the thousand need not hear that a hub went and came back. It answers "unknown" only while
 * they are vouched for.
 */
const DOUBT_MS = 6000;

/** Slices in, kernel state and reports out. */
export class Agent {
  readonly metrics: Metrics;
  readonly #parts: AgentParts;
  readonly #reconciler: Reconciler;
  readonly #controllers: Controllers;
  readonly #desk: Desk;
  readonly #learner: Learner;
  /** The last report says that all is here, and somebody has vouched for it ever since. */
  #toldWhole = false;
  /** When that ceased to be so; milliseconds of the clock. */
  #doubted = Number.NEGATIVE_INFINITY;
  readonly #slices = new SliceStore();
  #report: Report | undefined;
  #running: Promise<void> | undefined;
  #due = false;
  #dueAt = Number.POSITIVE_INFINITY;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #failed = false;
  #cancelTimer: () => void = () => undefined;
  #stopped = false;

  constructor(parts: AgentParts) {
    const { kernel, clock, uplinks, limits, logger } = parts;
    this.#parts = parts;
    this.#reconciler = new Reconciler({ kernel, clock, uplinks, limits, warn: (message) => logger.warn(message) });
    this.metrics = makeMetrics(
      () => this.#known(),
      () => this.connected,
    );
    this.#controllers = this.#makeControllers(parts);
    this.#learner = this.#makeLearner(parts);
    this.#desk = new Desk({
      known: () => this.#known(),
      clock,
      wall: parts.wall,
      send: (message) => this.#controllers.send(message),
      connected: () => this.connected,
    });
  }

  #makeControllers(parts: AgentParts): Controllers {
    return new Controllers({
      ...parts,
      slices: this.#slices,
      onChange: () => this.trigger(),
      onConfirmed: () => this.#tellWhole(),
      // What somebody vouched for is said again when it is known again.
      onDoubt: () => this.#doubt(),
      onQuestion: (question) => this.#desk.receive(question),
      onVerdicts: (verdicts) => this.#learner.receive(verdicts),
      // One that says that all is here waits until that is known: a hub must not seem to come and go.
      firstReport: () => (this.#report?.whole && !this.#toldWhole ? undefined : this.#report),
    });
  }

  #makeLearner({ kernel, clock, wall, logger }: AgentParts): Learner {
    return new Learner({
      kernel,
      clock,
      wall,
      reconciler: this.#reconciler,
      send: (message) => this.#controllers.send(message),
      heard: () => this.#controllers.heard(),
      ping: () => this.#controllers.ping(),
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
    return this.#controllers.connected;
  }

  /** Works until the signal aborts: from the plan on disk at first, before any controller answers. */
  async run(signal: AbortSignal): Promise<void> {
    const { kernel, snapshot, clock } = this.#parts;
    this.#slices.restore(await snapshot.load());
    kernel.watch((ifindex) => {
      this.#reconciler.machineChanged(ifindex);
      this.trigger();
    }, signal);
    let cancelRepair = () => {};
    const repair = () => {
      this.#reconciler.distrust();
      this.trigger();
      cancelRepair = clock.after(Math.max(REPAIR_MS, REPAIR_PART * this.#reconciler.lookTook), repair);
    };
    repair();
    this.#desk.start();
    this.#learner.start();
    await this.#controllers.run(signal);
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
    const now = clock.now();
    const at = Math.max(now + milliseconds, this.#restsUntil);
    // A change that follows another does not put the run off any further.
    if (this.#running || this.#dueAt <= at) return;
    this.#dueAt = at;
    this.#cancelTimer();
    this.#cancelTimer = clock.after(at - now, () => {
      this.#dueAt = Number.POSITIVE_INFINITY;
      this.#running = this.#run().then((again) => {
        this.#running = undefined;
        if (this.#due) this.trigger();
        else if (again !== undefined) this.trigger(again);
      });
    });
  }

  #doubt(): void {
    if (!this.#toldWhole || this.#controllers.vouchFor(this.#report?.applied ?? [])) return;
    this.#toldWhole = false;
    this.#doubted = this.#parts.clock.now();
  }

  #known() {
    if (!this.#reconciler.loaded) return undefined;
    const problems = this.#report?.degraded ?? [];
    return { kernel: this.#parts.kernel, mirror: this.#reconciler.mirror, problems, vpcIds: () => this.#vpcIds() };
  }

  #vpcIds(): ReadonlyMap<number, string> {
    const slices = [...(this.#slices.current()?.plan.values() ?? [])];
    return new Map(slices.flatMap((slice) => (slice.type === "vpc" ? [[slice.vni, slice.vpc_id] as const] : [])));
  }

  /** Milliseconds until the last run is to be tried again, where it is. */
  async #run(): Promise<number | undefined> {
    const { clock } = this.#parts;
    const started = clock.now();
    this.#due = false;
    const version = this.#slices.current();
    const tablesOnly = this.#reconciler.remembersMachine;
    const again = version ? await this.#attempt(version) : undefined;
    const ended = clock.now();
    if (tablesOnly && this.#reconciler.remembersMachine)
      this.#restsUntil = ended + Math.min(MOST_REST_MS, REST_PART * (ended - started));
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
    if (this.#controllers.vouchFor(report.applied)) this.#tell(report);
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
    const vouched = !this.#failed && this.#controllers.vouchFor(applied);
    const doubtful = this.#parts.clock.now() - this.#doubted < DOUBT_MS;
    const whole = vouched || (!this.#failed && doubtful && this.#report?.whole === true);
    this.#report = { type: "report", applied, degraded: problems, hub_of, ...(whole ? { whole } : {}) };
    this.#toldWhole = vouched && this.connected;
    this.metrics.degraded.set(problems.length);
    this.#controllers.send(this.#report);
  }
}
