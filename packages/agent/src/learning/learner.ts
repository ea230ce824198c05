import type { Clock, FromAgent, Lesson, ToAgent } from "@onehop/core";
import type { Kernel } from "../kernel/kernel.ts";
import type { Rows } from "../lower/index.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { Confirmer } from "./confirmer.ts";

export interface LearnerOptions {
  readonly kernel: Kernel;
  readonly reconciler: Reconciler;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly send: (message: FromAgent) => void;
  /** When a controller was heard last, in milliseconds of the clock; undefined: there is no stream. */
  readonly heard: () => number | undefined;
  /** Makes a controller say something. */
  readonly ping: () => void;
  /** Whether this host's tables are whole, as of the last word of a controller. */
  readonly whole: () => boolean;
  readonly onFalse: (lesson: Lesson) => void;
  readonly onError: (error: unknown) => void;
}

const TICK_MS = 250;
/** A hub that heard no controller for so long says "unknown" no more. */
const CUT_OFF_MS = 1000;
/** Ticks between looks at what was learned, and between cleanings. */
const CONFIRM_EVERY = 2;
const CLEAN_EVERY = 60;
/** What is kept of each VPC beside its plan. */
const NOTES = ["learned", "confirmed", "floors", "barred", "vouched"] as const;

/** The agent's part in learning: everything that no packet waits for. */
export class Learner {
  readonly #options: LearnerOptions;
  readonly #confirmer: Confirmer;
  #cancel: () => void = () => undefined;

  constructor(options: LearnerOptions) {
    this.#options = options;
    this.#confirmer = new Confirmer(options);
  }

  start(): void {
    this.#tick(0);
  }

  stop(): void {
    this.#cancel();
  }

  receive(message: ToAgent): void {
    if (message.type !== "verdicts") return;
    try {
      this.#confirmer.receive(message, this.#options.clock.now());
    } catch (error) {
      // Floors have no room without end: what is refused is judged again.
      this.#options.onError(error);
    }
  }

  #tick(n: number): void {
    const { clock, reconciler, onError } = this.#options;
    try {
      if (reconciler.loaded) this.#work(n);
    } catch (error) {
      onError(error);
    }
    this.#cancel = clock.after(TICK_MS, () => this.#tick(n + 1));
  }

  #work(n: number): void {
    const { clock, heard } = this.#options;
    this.#renew();
    if (n % CONFIRM_EVERY === 0 && heard() !== undefined) this.#confirmer.ask(clock.now());
    if (n % CLEAN_EVERY === 0) this.#clean();
  }

  /** A hub's tables are whole a while longer, since a controller would have told of what changed. */
  #renew(): void {
    const { kernel, reconciler, clock, heard, ping, whole } = this.#options;
    const at = heard();
    if (at === undefined || !reconciler.isHub) return;
    ping();
    const left = Math.round(at + CUT_OFF_MS - clock.now());
    if (left > 0 && whole()) reconciler.renewSync(kernel.now() + BigInt(left) * 1_000_000n);
  }

  /** Of VPCs that are not served any more, and of moves long past, nothing stays. */
  #clean(): void {
    const { kernel, reconciler } = this.#options;
    const rules = reconciler.mirror.table("vpc_rules").actual();
    const served = ({ vpc }: { readonly vpc: number }) => rules.has(String(vpc));
    for (const table of NOTES) this.#forgetUnserved(table, served);
    const now = kernel.now();
    const past = [...kernel.read("moved")]
      .filter(([key, { until }]) => until < now || !served(key))
      .map(([key]) => key);
    if (past.length > 0) kernel.remove("moved", past);
  }

  /** The VNI may become another VPC's. */
  #forgetUnserved<T extends (typeof NOTES)[number]>(
    table: T,
    served: (key: { readonly vpc: number }) => boolean,
  ): void {
    const { kernel } = this.#options;
    const gone = [...kernel.read(table)].map((row): Rows[T][0] => row[0]).filter((key) => !served(key));
    if (gone.length > 0) kernel.remove(table, gone);
  }
}
