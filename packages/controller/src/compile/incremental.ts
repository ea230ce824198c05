import type { HostSlice, Slice, SliceId } from "@onehop/core";
import type { IntentChange } from "@onehop/store";
import { compileSlice, partsOf, type SliceKind } from "./compile.ts";
import { dirtied, type Known, keyDirtied } from "./dirty.ts";
import { canonical, hashOf } from "./encode.ts";
import type { IndexedIntent } from "./indexed.ts";

/** A slice as it goes out: compiled and encoded once, shared by all its hosts. */
export interface Compiled {
  readonly id: SliceId;
  readonly body: Slice;
  /** Canonical JSON of the body. */
  readonly text: string;
  readonly hash: string;
  /** Store revision at which the content last changed. */
  readonly generation: number;
}

/** How often something was done, by kind of slice. */
export type Work = Partial<Record<SliceKind, number>>;

/**
 * All plans, kept up with Intent: only slices that a change may have touched are compiled again. Only slices that some
 * host is interested in are held. Equals compileAll of the same Intent at every moment.
 */
export class Plans implements Known {
  readonly compiled: Work = {};
  #view: IndexedIntent;
  #slices = new Map<SliceId, Compiled>();
  #interest = new Map<SliceId, Set<string>>();
  #revision = 0;

  constructor(view: IndexedIntent) {
    this.#view = view;
    this.reload();
  }

  /** Store revision up to which Intent was taken in. */
  get revision(): number {
    return this.#revision;
  }
  slice(id: SliceId): Compiled | undefined {
    return this.#slices.get(id);
  }
  hostSlice(hostId: string): HostSlice | undefined {
    const body = this.#slices.get(`host/${hostId}`)?.body;
    return body?.type === "host" ? body : undefined;
  }
  hostsOf(id: SliceId): ReadonlySet<string> {
    return this.#interest.get(id) ?? NONE;
  }
  /** Hosts that have a plan. */
  hosts(): Iterable<string> {
    return this.hostsOf("hosts");
  }

  /** From scratch; unchanged slices keep their generation. Returns the ids of slices whose content changed or went. */
  reload(): Set<SliceId> {
    const all = new Set<SliceId>(this.#slices.keys());
    for (const id of this.#view.intent.hosts.keys()) all.add(`host/${id}`);
    return this.#recompile(all);
  }

  /** Takes in changes that the view has already. Returns the ids of slices whose content changed or went. */
  follow(changes: Iterable<IntentChange>): Set<SliceId> {
    const dirty = new Set<SliceId>();
    for (const change of changes) for (const id of dirtied(change, this.#view, this)) dirty.add(id);
    return this.#recompile(dirty);
  }

  /** Takes in what hosts reported: VPCs of which a hub came into sync, or fell out of it. As follow. */
  followSync(vpcIds: Iterable<string>): Set<SliceId> {
    return this.#recompile(new Set([...vpcIds].map((id): SliceId => `vpc/${id}`)));
  }

  /** Takes in keys of VPCs that came, changed or went. As follow. */
  followKeys(vpcIds: Iterable<string>): Set<SliceId> {
    const dirty = new Set<SliceId>();
    for (const vpcId of vpcIds) for (const id of keyDirtied(vpcId, this.#view, this)) dirty.add(id);
    return this.#recompile(dirty);
  }

  #recompile(dirty: Set<SliceId>): Set<SliceId> {
    this.#revision = this.#view.intent.revision;
    const changed = new Set<SliceId>();
    // Hosts first: they say which of the others anyone wants.
    for (const id of dirty) {
      if (partsOf(id)[0] !== "host") continue;
      const before = this.#slices.get(id)?.body;
      if (this.#compile(id)) changed.add(id);
      for (const moved of this.#moveInterest(before, this.#slices.get(id)?.body)) dirty.add(moved);
    }
    for (const id of dirty) {
      if (partsOf(id)[0] === "host") continue;
      if (this.hostsOf(id).size === 0) {
        if (this.#slices.delete(id)) changed.add(id);
      } else if (this.#compile(id)) changed.add(id);
    }
    return changed;
  }

  #compile(id: SliceId): boolean {
    const kind = partsOf(id)[0];
    this.compiled[kind] = (this.compiled[kind] ?? 0) + 1;
    const body = compileSlice(this.#view, id);
    if (!body) return this.#slices.delete(id);
    const text = canonical(body);
    const hash = hashOf(text);
    if (this.#slices.get(id)?.hash === hash) return false;
    this.#slices.set(id, { id, body, text, hash, generation: this.#revision });
    return true;
  }

  /** Returns the slices that somebody began to want, or nobody wants any more. */
  #moveInterest(before: Slice | undefined, after: Slice | undefined): SliceId[] {
    const moved: SliceId[] = [];
    const old = before?.type === "host" ? before : undefined;
    const now = after?.type === "host" ? after : undefined;
    const kept = new Set(now?.slices);
    for (const id of old?.slices ?? []) {
      if (kept.has(id) || !old) continue;
      const hosts = this.#interest.get(id);
      hosts?.delete(old.host_id);
      if (hosts?.size === 0 && this.#interest.delete(id)) moved.push(id);
    }
    for (const id of now?.slices ?? []) {
      const hosts = this.#interest.get(id) ?? new Set<string>();
      if (hosts.size === 0) moved.push(id);
      this.#interest.set(id, hosts);
      if (now) hosts.add(now.host_id);
    }
    return moved;
  }
}

const NONE: ReadonlySet<string> = new Set();
