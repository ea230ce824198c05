import {
  CLOSE,
  type FromAgent,
  type Held,
  type Hello,
  type Lessons,
  type Link,
  type Members,
  type Question,
  type Report,
  type SliceId,
  type ToAgent,
  type Verdicts,
} from "@onehop/core";
import type { Clock } from "@onehop/store";
import { type Compiled, type Plans, partsOf } from "../compile/index.ts";
import type { RemoteWatch, WatchRequest } from "../look/agents.ts";
import { Asking } from "./asking.ts";
import type { Frames } from "./frames.ts";
import { Outbox } from "./outbox.ts";
import type { Traffic } from "./traffic.ts";

/** What a host says on its stream. */
export interface Said {
  /** With what is new since the one before. */
  readonly report: Report;
  /** All that is applied; the same map as long as the stream lasts. */
  readonly applied: ReadonlyMap<SliceId, Held>;
}

export interface SessionOptions {
  readonly link: Link;
  readonly hostId: string;
  readonly hello: Hello;
  readonly plans: Plans;
  /** Of a slice that this controller owns; undefined: it does not. */
  readonly epochOf: (id: SliceId) => number | undefined;
  readonly frames: Frames;
  readonly clock: Clock;
  readonly traffic: Traffic;
  readonly onReport: (said: Said) => void;
  /** Undefined: they cannot be judged now. */
  readonly confirm: (lessons: Lessons) => Promise<Verdicts | undefined>;
}

const PING_MS = 3000;
/** A stream without a sign of life for so long is dead: two pings were not answered. */
const SILENCE_MS = 7000;

/** The stream to one host: those of its slices that are owned here as they change, its reports and answers as they come. */
export class Session {
  readonly hostId: string;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #asking: Asking;
  /** Hash of each slice that the host has, or is being sent, as far as is known: others send to it, too. */
  readonly #has = new Map<SliceId, string>();
  /** Epoch and hash that were said of each slice by this stream. */
  readonly #told = new Map<SliceId, string>();
  readonly #applied = new Map<SliceId, Held>();
  #confirming = false;
  #heard: number;
  #cancelPing: () => void = () => undefined;

  constructor(options: SessionOptions) {
    const { link, clock, hello } = options;
    this.#options = options;
    this.hostId = options.hostId;
    this.#heard = clock.now();
    this.#asking = new Asking(clock, (message) => this.#send(message));
    this.#outbox = new Outbox({
      frameOf: (id) => this.#frameOf(id),
      send: (frame, done) => {
        options.traffic.count(frame);
        link.send(frame, done);
      },
    });
    this.#ping();
    for (const held of hello.have) this.#has.set(held.id, held.hash);
  }

  /** A sign of life. */
  heard(): void {
    this.#heard = this.#options.clock.now();
  }

  /** Who else lives. */
  introduce(members: Members): void {
    this.#send(members);
  }

  /** Slices whose content or owner may have changed; those that are not for this host, or not from here, are passed over. */
  offer(ids: Iterable<SliceId>): void {
    const { plans, epochOf } = this.#options;
    const wanted: SliceId[] = [];
    for (const id of ids) {
      const epoch = epochOf(id);
      if (epoch === undefined || !plans.hostsOf(id).has(this.hostId)) continue;
      const slice = plans.slice(id);
      if (slice && this.#told.get(id) !== wordOf(slice, epoch)) wanted.push(id);
    }
    // The host's own slice first, then the hosts, so that nothing names a host that is not known yet.
    this.#outbox.offer(wanted.sort((a, b) => rank(a) - rank(b)));
  }

  /** These are owned here from now on: what the host has of them came from others. */
  gained(ids: ReadonlySet<SliceId>): void {
    for (const { id, hash } of this.#applied.values()) if (ids.has(id) && !this.#told.has(id)) this.#has.set(id, hash);
  }

  /** These are owned here no more. */
  released(ids: ReadonlySet<SliceId>): void {
    const said = [...ids].filter((id) => this.#told.delete(id));
    for (const id of said) this.#has.delete(id);
    if (said.length > 0) this.#send({ type: "released", ids: said });
  }

  /** The host's plan is another now: it forgets what is not in it. */
  replanned(wanted: ReadonlySet<SliceId>): void {
    for (const id of [...this.#has.keys()]) if (!wanted.has(id)) this.#forget(id);
    this.offer(wanted);
  }

  receive(message: FromAgent): void {
    this.heard();
    if (message.type === "report") this.#options.onReport(this.#said(message));
    if (message.type === "lacking") {
      for (const id of message.ids) this.#forget(id);
      this.offer(message.ids);
    }
    if (message.type === "lessons") void this.#confirm(message);
    if (message.type === "answer" || message.type === "watched") this.#asking.receive(message);
  }

  /** Takes in what the report says to be applied. */
  #said(report: Report): Said {
    const all = new Set(report.gone ? [] : report.applied.map(({ id }) => id));
    const gone = report.gone ?? [...this.#applied.keys()].filter((id) => !all.has(id));
    for (const id of gone) this.#applied.delete(id);
    // A host in other hands may name slices without end.
    const most = 2 * this.#options.plans.wantedBy(this.hostId).size + SPARE;
    const applied: Held[] = [];
    for (const held of report.applied) {
      if (this.#applied.size >= most && !this.#applied.has(held.id)) continue;
      this.#applied.set(held.id, held);
      applied.push(held);
    }
    return { report: { ...report, applied, gone }, applied: this.#applied };
  }

  ask(question: Question): Promise<unknown> {
    return this.#asking.ask(question);
  }
  watch(request: WatchRequest): Promise<RemoteWatch> {
    return this.#asking.watch(request);
  }

  /** Ends the stream; the agent looks for a controller anew, unless it has a newer one to this. */
  close(code: number = CLOSE.goingAway): void {
    this.#cancelPing();
    this.#options.link.close(code);
    this.#asking.end();
  }

  /** One batch at a time: what comes meanwhile is asked again by the agent. */
  async #confirm(lessons: Lessons): Promise<void> {
    if (this.#confirming) return;
    this.#confirming = true;
    const verdicts = await this.#options.confirm(lessons);
    this.#confirming = false;
    if (verdicts) this.#send(verdicts);
  }

  #send(message: ToAgent): void {
    this.#options.link.send(JSON.stringify(message));
  }

  #forget(id: SliceId): void {
    this.#has.delete(id);
    this.#told.delete(id);
  }

  #frameOf(id: SliceId): string | Uint8Array | undefined {
    const { plans, frames, epochOf, traffic } = this.#options;
    // It may have waited long enough for the host to have lost interest.
    const slice = plans.hostsOf(id).has(this.hostId) ? plans.slice(id) : undefined;
    const epoch = epochOf(id);
    if (!slice || epoch === undefined) {
      this.#forget(id);
      return undefined;
    }
    this.#told.set(id, wordOf(slice, epoch));
    const had = this.#has.get(id);
    if (had === slice.hash) return frames.same(slice, epoch);
    this.#has.set(id, slice.hash);
    traffic.countSlice(id);
    return frames.of(slice, epoch, had);
  }

  #ping(): void {
    const { clock, link } = this.#options;
    if (clock.now() - this.#heard > SILENCE_MS) {
      link.terminate();
      return;
    }
    link.ping();
    this.#cancelPing = clock.after(PING_MS, () => this.#ping());
  }
}

/** Slices that a host may name beyond twice those of its plan: it may not have let go of some yet. */
const SPARE = 1000;

const wordOf = (slice: Compiled, epoch: number): string => `${epoch} ${slice.generation} ${slice.hash}`;

const RANK = { host: 0, hosts: 1, vpc: 2, network: 3 } as const;
const rank = (id: SliceId): number => RANK[partsOf(id)[0]];
