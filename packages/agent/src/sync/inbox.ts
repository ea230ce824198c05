import type { Clock, Held, Lacking, SliceId } from "@onehop/core";
import { readFrame } from "@onehop/core/plan/wire";
import type { Arrival, SliceStore } from "./slice_store.ts";
import { Wholeness } from "./wholeness.ts";

/** A stream, as far as slices go. */
interface Sender {
  send(message: Lacking): void;
}

export interface InboxOptions<S extends Sender> {
  readonly clock: Clock;
  readonly slices: SliceStore;
  /** All streams that are up. */
  readonly streams: () => Iterable<S>;
  /** The plan may have changed. */
  readonly onChange: () => void;
  /** A slice that was here is vouched for. */
  readonly onConfirmed: () => void;
  readonly onStale: (slice: Held) => void;
}

/** How long a slice that the host's own one lists may be on its way, from another controller, before it is asked for. */
const LATE_MS = 150;
const AGAIN_MS = 1000;

/** Slices as they come from several controllers, in no order between them: what is missing is asked for. */
export class Inbox<S extends Sender> {
  readonly wholeness = new Wholeness<S>();
  readonly #options: InboxOptions<S>;
  #cancel: (() => void) | undefined;

  constructor(options: InboxOptions<S>) {
    this.#options = options;
  }

  /** A slice's frame; throws where it is none, or its content is not what it says. */
  take(frame: Uint8Array, from: S): void {
    const message = readFrame(frame);
    if (!message) throw new Error("bytes that are no slice");
    this.accept(message, from);
  }

  accept(message: Arrival, from: S): void {
    const { slices, onChange, onConfirmed, onStale } = this.#options;
    const outcome = slices.accept(message);
    if (outcome === "lacking") from.send({ type: "lacking", ids: [message.id] });
    if (outcome === "stale") onStale(message);
    if (outcome === "lacking" || outcome === "stale") return;
    this.wholeness.confirm(message.id, from);
    if (message.type === "slice" && message.body.type === "host") this.wholeness.keep(new Set(message.body.slices));
    this.#lookForMissing(LATE_MS);
    if (outcome === "taken") onChange();
    else onConfirmed();
  }

  released(ids: readonly SliceId[], from: S): void {
    this.wholeness.release(ids, from);
  }

  stop(): void {
    this.#cancel?.();
  }

  #lookForMissing(ms: number): void {
    const { clock, slices, streams } = this.#options;
    if (this.#cancel || slices.missing().length === 0) return;
    this.#cancel = clock.after(ms, () => {
      this.#cancel = undefined;
      const ids = slices.missing();
      if (ids.length > 0) for (const stream of streams()) stream.send({ type: "lacking", ids });
      this.#lookForMissing(AGAIN_MS);
    });
  }
}
