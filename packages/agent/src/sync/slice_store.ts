import type {
  Held,
  HostPlan,
  HostSlice,
  Slice,
  SliceDifference,
  SliceEnvelope,
  SliceId,
  SliceMessage,
  SliceSame,
} from "@onehop/core";
import { patched } from "@onehop/core/plan/content";
import { hashes } from "./hash.ts";

/** A slice as it comes: all of it, what differs, or the word that it is right as it is. */
export type Arrival = SliceMessage | SliceDifference | SliceSame;

/**
 * taken: the plan may have changed. same: only its numbers moved. stale: from an owner or a time gone by; nothing was done.
 * lacking: nothing was done, since what is to be the same, or to be changed, is not here.
 */
export type Outcome = "taken" | "same" | "stale" | "lacking";

/** The plan as it was when it was asked for. */
export interface PlanVersion {
  readonly plan: HostPlan;
  readonly held: readonly Held[];
}

/**
 * The host's copy of its slices. Of each slice the highest epoch seen is kept, and within an epoch the highest
 * generation: an owner that was paused and wakes up changes nothing here.
 */
export class SliceStore {
  readonly #slices = new Map<SliceId, SliceEnvelope>();
  /** Of the host's own. */
  #ownId: SliceId | undefined;
  /** Ids whose copy on disk is not this one. */
  readonly #unsaved = new Set<SliceId>();

  /** What is on disk. */
  restore(slices: Iterable<SliceEnvelope>): void {
    for (const slice of slices) this.#keep(envelopeOf(slice));
  }

  /** Throws where a slice is not what its hash says; nothing was done then. */
  accept(message: Arrival): Outcome {
    const held = this.#slices.get(message.id);
    if (held && isOlder(message, held)) return "stale";
    if (message.type === "same") return this.#renumber(message, held);
    const body = message.type === "slice" ? message.body : held && bodyAfter(message, held);
    if (!body) return "lacking";
    if (hashes.of(body).hash !== message.hash) return wrong(message);
    this.#set({ ...numbersOf(message), body });
    if (body.type === "host") this.#dropUnlisted(body);
    return held?.hash === message.hash ? "same" : "taken";
  }

  /** Undefined: the host's own slice or one that it lists has not come yet, so nothing may be concluded from what is missing. */
  current(): PlanVersion | undefined {
    const own = this.#own();
    if (!own) return undefined;
    const plan = new Map<SliceId, Slice>();
    const held: Held[] = [];
    for (const id of own.slices) {
      const slice = this.#slices.get(id);
      if (!slice) return undefined;
      plan.set(id, slice.body);
      held.push(numbersOf(slice));
    }
    return { plan, held };
  }

  /** Undefined: the host's own slice has not come yet. */
  get ownId(): SliceId | undefined {
    return this.#ownId;
  }

  /** What the host's own slice lists and is not here. */
  missing(): SliceId[] {
    return (this.#own()?.slices ?? []).filter((id) => !this.#slices.has(id));
  }

  /** What is here, whole plan or not: what a controller need not send. */
  held(): Held[] {
    return [...this.#slices.values()].map(numbersOf);
  }

  /** What changed and what went since this was last asked. */
  takeUnsaved(): { readonly changed: SliceEnvelope[]; readonly gone: SliceId[] } {
    const ids = [...this.#unsaved];
    this.#unsaved.clear();
    return {
      changed: ids.flatMap((id) => this.#slices.get(id) ?? []),
      gone: ids.filter((id) => !this.#slices.has(id)),
    };
  }

  /** What was taken could not be saved: it is taken again. */
  stillUnsaved({ changed, gone }: ReturnType<SliceStore["takeUnsaved"]>): void {
    for (const { id } of changed) this.#unsaved.add(id);
    for (const id of gone) this.#unsaved.add(id);
  }

  #own(): HostSlice | undefined {
    const body = this.#ownId && this.#slices.get(this.#ownId)?.body;
    return body?.type === "host" ? body : undefined;
  }

  #renumber(message: SliceSame, held: SliceEnvelope | undefined): Outcome {
    if (held?.hash !== message.hash) return "lacking";
    this.#set({ ...held, epoch: message.epoch, generation: message.generation });
    return "same";
  }

  #set(slice: SliceEnvelope): void {
    this.#keep(slice);
    this.#unsaved.add(slice.id);
  }

  #keep(slice: SliceEnvelope): void {
    this.#slices.set(slice.id, slice);
    if (slice.body.type === "host") this.#ownId = slice.id;
  }

  #dropUnlisted(own: HostSlice): void {
    const listed = new Set<SliceId>(own.slices);
    for (const id of this.#slices.keys()) {
      if (listed.has(id)) continue;
      this.#slices.delete(id);
      this.#unsaved.add(id);
    }
  }
}

/** What differs may have been made wrongly, and all of it is then asked for: a stream that was ended would bring the same again. */
function wrong({ type, id }: Arrival): Outcome {
  if (type === "difference") return "lacking";
  throw new Error(`${id} with content that is not its own`);
}

const bodyAfter = ({ base, difference }: SliceDifference, held: SliceEnvelope): Slice | undefined =>
  held.hash === base ? patched(held.body, difference) : undefined;

const isOlder = (a: Held, b: Held): boolean =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.generation < b.generation);

const numbersOf = ({ id, epoch, generation, hash }: Held): Held => ({ id, epoch, generation, hash });
const envelopeOf = ({ id, epoch, generation, hash, body }: SliceEnvelope): SliceEnvelope => ({
  id,
  epoch,
  generation,
  hash,
  body,
});
