import type { Slice, SliceId } from "@onehop/core";
import type { IntentChange } from "@onehop/store";
import { compileSlice, partsOf, type SliceKind } from "./compile.ts";
import { dirtied, type Known, keyDirtied } from "./dirty.ts";
import { hashes } from "./encode.ts";
import type { IndexedIntent } from "./indexed.ts";
import { slicesFor } from "./interest.ts";
import { Wanted } from "./wanted.ts";

/** A slice as it goes out: compiled once, shared by all its hosts. */
export interface Compiled {
  readonly id: SliceId;
  readonly body: Slice;
  readonly hash: string;
  /** Store revision at which the content was last seen to change. */
  readonly generation: number;
}

/** How often something was done, by kind of slice. */
export type Work = Partial<Record<SliceKind, number>>;

export interface PlansOptions {
  /** Told of each object that cannot be compiled: its slice keeps its last good content. */
  readonly onProblem?: (id: SliceId, error: unknown) => void;
}

/** Longest body that hosts take, bytes. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * All plans, kept up with Intent. Which host is interested in which slice is always known; a slice is compiled when it is
 * asked for, and again only after a change that may have touched it. Equals compileAll of the same Intent at every moment,
 * but for slices that are held or cannot be compiled.
 */
export class Plans implements Known {
  readonly compiled: Work = {};
  readonly #view: IndexedIntent;
  readonly #options: PlansOptions;
  readonly #wanted = new Wanted();
  readonly #slices = new Map<SliceId, Compiled>();
  readonly #dirty = new Set<SliceId>();
  readonly #problems = new Map<SliceId, string>();
  readonly #held = new Map<SliceId, string>();
  #revision = 0;

  constructor(view: IndexedIntent, options: PlansOptions = {}) {
    this.#view = view;
    this.#options = options;
    this.reload();
  }

  /** Store revision up to which Intent was taken in. */
  get revision(): number {
    return this.#revision;
  }
  /** The newest content; undefined: no host wants it, or it is not there. */
  slice(id: SliceId): Compiled | undefined {
    const had = this.#slices.get(id);
    if (this.#held.has(id)) return had;
    const known = had !== undefined || this.#problems.has(id);
    if ((known && !this.#dirty.has(id)) || this.hostsOf(id).size === 0) return had;
    return this.#compile(id);
  }
  wantedBy(hostId: string): ReadonlySet<SliceId> {
    return this.#wanted.by(hostId);
  }
  hostsOf(id: SliceId): ReadonlySet<string> {
    return this.#wanted.hostsOf(id);
  }
  /** Slices that some host wants. */
  wanted(): Iterable<SliceId> {
    return this.#wanted.all();
  }
  /** Hosts that have a plan. */
  hosts(): Iterable<string> {
    return this.#wanted.hosts();
  }
  /** Why the slice is not as Intent wants it; undefined: it is. */
  problemOf(id: SliceId): string | undefined {
    return this.#held.get(id) ?? this.#problems.get(id);
  }
  /** Slices that cannot be compiled. */
  get problems(): number {
    return this.#problems.size;
  }

  /** From scratch. As follow. */
  reload(): Set<SliceId> {
    const all = new Set<SliceId>(this.#wanted.all());
    for (const id of this.#view.intent.hosts.keys()) all.add(`host/${id}`);
    return this.#touch(all);
  }

  /**
   * Takes in changes that the view has already. Returns the ids of slices that may have another content now, or which
   * began to be wanted by somebody, or ceased to be.
   */
  follow(changes: Iterable<IntentChange>): Set<SliceId> {
    const dirty = new Set<SliceId>();
    for (const change of changes)
      try {
        for (const id of dirtied(change, this.#view, this)) dirty.add(id);
      } catch (error) {
        this.#options.onProblem?.("hosts", error);
        // What it touched is not known.
        return this.reload();
      }
    return this.#touch(dirty);
  }

  /** Takes in what hosts reported: VPCs of which a hub came into sync, or fell out of it. As follow. */
  followSync(vpcIds: Iterable<string>): Set<SliceId> {
    return this.#touch(new Set([...vpcIds].map((id): SliceId => `vpc/${id}`)));
  }

  /** Takes in keys of VPCs that came, changed or went. As follow. */
  followKeys(vpcIds: Iterable<string>): Set<SliceId> {
    const dirty = new Set<SliceId>();
    for (const vpcId of vpcIds) for (const id of keyDirtied(vpcId, this.#view, this)) dirty.add(id);
    return this.#touch(dirty);
  }

  /** These keep the content that they have, and `why` is said of them, until they are let go. */
  hold(ids: Iterable<SliceId>, why: string): void {
    for (const id of ids) {
      // So that there is something to keep.
      if (!this.#slices.has(id)) continue;
      this.#held.set(id, why);
    }
  }
  letGo(ids: Iterable<SliceId>): void {
    for (const id of ids) if (this.#held.delete(id)) this.#drop(id);
  }

  #touch(dirty: Set<SliceId>): Set<SliceId> {
    this.#revision = this.#view.intent.revision;
    // Hosts first: they say which of the others anyone wants.
    for (const id of dirty) {
      const [kind, hostId] = partsOf(id);
      if (kind === "host") for (const moved of this.#want(hostId)) dirty.add(moved);
    }
    for (const id of dirty) {
      this.#dirty.add(id);
      this.#drop(id);
    }
    return dirty;
  }

  #want(hostId: string): SliceId[] {
    try {
      const isOurs = this.#view.intent.hosts.get(hostId)?.kind === "onehop";
      return this.#wanted.set(hostId, new Set(isOurs ? slicesFor(this.#view, hostId) : []));
    } catch (error) {
      this.#fence(`host/${hostId}`, error);
      return [];
    }
  }

  /** Of slices that nobody wants, nothing is kept. */
  #drop(id: SliceId): void {
    if (this.hostsOf(id).size > 0 || this.#held.has(id)) return;
    this.#slices.delete(id);
    this.#dirty.delete(id);
    this.#problems.delete(id);
  }

  #compile(id: SliceId): Compiled | undefined {
    const kind = partsOf(id)[0];
    this.compiled[kind] = (this.compiled[kind] ?? 0) + 1;
    this.#dirty.delete(id);
    const had = this.#slices.get(id);
    try {
      const body = compileSlice(this.#view, id);
      this.#problems.delete(id);
      if (!body) {
        this.#slices.delete(id);
        return undefined;
      }
      return this.#keep(id, body);
    } catch (error) {
      this.#fence(id, error);
      return had;
    }
  }

  #keep(id: SliceId, body: Slice): Compiled {
    const had = this.#slices.get(id);
    const { hash, size } = hashes.of(body);
    if (size > MOST_BYTES) throw new Error(`its ${size} bytes are over the ${MOST_BYTES} of a slice`);
    if (had?.hash === hash) return had;
    const made: Compiled = { id, body, hash, generation: this.#revision };
    this.#slices.set(id, made);
    return made;
  }

  /** One that cannot be compiled keeps what it has, and all others go on. */
  #fence(id: SliceId, error: unknown): void {
    const [why] = String(error instanceof Error ? error.message : error).split("\n");
    this.#problems.set(id, `It cannot be compiled, so hosts keep what they have of it: ${why}.`);
    this.#options.onProblem?.(id, error);
  }
}
