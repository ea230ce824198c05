import type { WatchEvent } from "@onehop/api";
import { type At, OnehopError } from "@onehop/core";
import { type Change, type Clock, keys, pause, type RangeResult, StoreError, type WatchBatch } from "@onehop/store";
import { isVisible, type Read } from "../api/read.ts";
import type { Thing } from "../handlers/index.ts";
import { parse } from "../handlers/parse.ts";
import type { AnyObject, StatusSource } from "../status_source.ts";

/** Between two looks for new status, and how many times longer than a look took. */
const STATUS_PAUSE_MS = 200;
const STATUS_SHARE = 10;
/** Objects read, and events sent, at once. */
const CHUNK = 500;

export interface WatchOptions {
  readonly read: Read;
  readonly passes: (object: Thing) => boolean;
  readonly status: StatusSource;
  /** The objects by id as this process knows them: where new status is looked for. */
  readonly known: ReadonlyMap<string, At<AnyObject>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Resolves when the reader may be given more; events of one call belong together. */
  readonly send: (events: readonly WatchEvent[]) => Promise<void>;
}

/** What the reader has of an object. */
interface Told {
  readonly revision: number;
  /** State and reason. */
  readonly status: string;
}

/** What a resumed reader is taken to have seen: whatever is not so is told again. */
const REALISED = "realised ";

/** One reader's view of a list, kept up to date until it goes. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #told = new Map<string, Told>();
  /** All up to this revision was told. */
  #at = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  get at(): number {
    return this.#at;
  }

  /**
   * Takes what the reader has at a revision for told, or finds out that all is yet to be told. Throws 410 where the store
   * does not know that revision any more, or not yet.
   */
  async prepare(from: number | undefined): Promise<void> {
    if (from === undefined) return;
    const { store, noun } = this.#options.read;
    const { revision } = await store.range({ prefix: keys.objectsOf(noun.plural), limit: 1, keysOnly: true });
    if (from > revision) throw gone(`The revision ${from} has not happened; the store is at ${revision}.`);
    for await (const objects of this.#list(from))
      for (const { id, revision } of objects) this.#told.set(id, { revision, status: REALISED });
    this.#at = from;
  }

  /** Tells everything until the signal aborts; rejects with what ended it. */
  async run(): Promise<void> {
    const { signal, read } = this.#options;
    if (this.#at === 0) await this.#tellAll();
    const end = new AbortController();
    const stop = () => end.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      const changes = this.#follow(read.store.watch(keys.objectsOf(read.noun.plural), this.#at, end.signal));
      await Promise.race([changes, this.#followStatus(end.signal).then(() => changes)]);
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  /** Pages of what the reader may see, at one revision. */
  async *#list(revision?: number): AsyncGenerator<At<Thing>[], void> {
    const { store, noun } = this.#options.read;
    const prefix = keys.objectsOf(noun.plural);
    let at = revision;
    for (let from = prefix; ; ) {
      const page: RangeResult = await orGone(() =>
        store.range({ prefix, from, limit: CHUNK, ...(at === undefined ? {} : { revision: at }) }),
      );
      at = page.revision;
      yield page.entries.map(parse).filter((o) => this.#passes(o));
      if (!page.more) break;
      from = `${page.entries.at(-1)!.key}\0`;
    }
    this.#at = at;
  }

  async #tellAll(): Promise<void> {
    for await (const objects of this.#list()) await this.#options.send(objects.map((o) => this.#tell("added", o)));
    await this.#options.send([{ type: "bookmark", id: this.#at, revision: this.#at }]);
  }

  async #follow(batches: AsyncIterable<WatchBatch>): Promise<void> {
    try {
      for await (const { revision, changes } of batches) {
        const events = await this.#eventsOf(changes, revision);
        this.#at = revision;
        const last = events.pop();
        if (last) await this.#options.send([...events, { ...last, id: revision }]);
      }
    } catch (error) {
      throw error instanceof StoreError && error.code === "compacted" ? gone(error.message) : error;
    }
  }

  async #eventsOf(changes: readonly Change[], revision: number): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    const latest = new Map<string, At<Thing>>();
    for (const { key, entry } of changes) {
      const id = key.slice(key.lastIndexOf("/") + 1);
      const told = this.#told.has(id);
      const object = entry && parse(entry);
      if (object && this.#passes(object)) events.push(this.#tell(told ? "modified" : "added", object));
      else if (told) {
        const last = object ?? latest.get(id) ?? (await this.#before(key));
        this.#told.delete(id);
        events.push({ type: "deleted", revision, object: last ? this.#shown(last) : { id } });
      }
      if (object) latest.set(id, object);
    }
    return events;
  }

  /** A deleted object as it was before the changes at hand; undefined where that is forgotten. */
  async #before(key: string): Promise<At<Thing> | undefined> {
    try {
      const { entries } = await this.#options.read.store.range({ prefix: key, limit: 1, revision: this.#at });
      return entries[0]?.key === key ? parse(entries[0]) : undefined;
    } catch (error) {
      if (error instanceof StoreError && error.code === "compacted") return undefined;
      throw error;
    }
  }

  /** Status is stored nowhere; whenever some may be new, that of all objects told is compared with what was told. */
  async #followStatus(signal: AbortSignal): Promise<void> {
    const { status, clock } = this.#options;
    while (!signal.aborted) {
      const changed = status.changed(signal);
      const start = clock.now();
      const events = this.#newStatus();
      for (let i = 0; i < events.length; i += CHUNK) await this.#options.send(events.slice(i, i + CHUNK));
      await pause(clock, Math.max(STATUS_PAUSE_MS, STATUS_SHARE * (clock.now() - start)), signal);
      await changed;
    }
  }

  #newStatus(): WatchEvent[] {
    const events: WatchEvent[] = [];
    for (const [id, told] of this.#told) {
      const object = this.#options.known.get(id) as At<Thing> | undefined;
      // Of another revision, the store's own change brings the status along.
      if (object?.revision !== told.revision || this.#statusOf(object) === told.status) continue;
      events.push(this.#tell("modified", object));
    }
    return events;
  }

  #tell(type: "added" | "modified", object: At<Thing>): WatchEvent {
    const shown = this.#shown(object);
    this.#told.set(object.id, { revision: object.revision, status: textOf(shown.status) });
    return { type, revision: object.revision, object: shown };
  }

  #passes = (object: Thing): boolean =>
    isVisible(this.#options.read.noun, this.#options.read.caller, object) && this.#options.passes(object);

  #shown(object: At<Thing>) {
    const { status, read } = this.#options;
    return {
      ...object,
      status: status.statusOf(read.noun.kind, object as unknown as AnyObject, object.revision),
    };
  }

  #statusOf = (object: At<Thing>): string => textOf(this.#shown(object).status);
}

const textOf = ({ state, reason = "" }: { state: string; reason?: string }): string => `${state} ${reason}`;

async function orGone<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof StoreError && error.code === "compacted" ? gone(error.message) : error;
  }
}

const gone = (message: string): OnehopError =>
  new OnehopError({
    code: "revision_gone",
    status: 410,
    message,
    hint: "List again, or watch without from_revision: everything is told anew.",
  });
