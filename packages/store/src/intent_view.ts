import type { Network, Port, Project, Route, Vpc } from "@onehop/core";
import { type At, type Host, type Intent, type Kind, NOUNS, type Noun, type Stored } from "@onehop/core";
import { type Clock, pause, systemClock } from "./clock.ts";
import { IndexMap } from "./index_map.ts";
import { keys } from "./keys.ts";
import { Broken, parseObject } from "./repository.ts";
import { type Entry, type Store, StoreError } from "./store.ts";

interface ObjectOf {
  project: Project;
  host: Host;
  vpc: Vpc;
  network: Network;
  port: Port;
  route: Route;
}
/** No `before`: created. No `after`: deleted, or broken now. */
export type IntentChange = {
  [K in Kind]: {
    readonly kind: K;
    readonly id: string;
    readonly before?: At<ObjectOf[K]>;
    readonly after?: At<ObjectOf[K]>;
  };
}[Kind];

export interface IntentViewOptions {
  readonly store: Store;
  /** Ends the view: it keeps what it knows and follows no more. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Told what made the view start again; it goes on by itself. */
  readonly onError?: (error: unknown) => void;
}

type AnyObject = At<Stored<Noun>>;
/** Between attempts to read the store again. */
const RETRY_MS = 200;

/**
 * All objects of the store in memory, following its watch: a hint, never the truth that a transaction compares with.
 * Changes arrive in whole transactions; a store that forgot the history is listed anew and the difference told.
 */
export class IntentView implements Intent {
  readonly projects: ReadonlyMap<string, At<Project>> = new Map();
  readonly hosts: ReadonlyMap<string, At<Host>> = new Map();
  readonly vpcs: ReadonlyMap<string, At<Vpc>> = new Map();
  readonly networks: ReadonlyMap<string, At<Network>> = new Map();
  readonly ports: ReadonlyMap<string, At<Port>> = new Map();
  readonly routes: ReadonlyMap<string, At<Route>> = new Map();
  /** By key. */
  readonly broken: ReadonlyMap<string, Broken> = new Map();

  /** By their first role but compute. */
  readonly hostsByRole = new IndexMap<At<Host>>((h) => h.roles.find((role) => role !== "compute"));
  readonly portsByNetwork = new IndexMap<At<Port>>((p) => p.network_id);
  readonly portsByHost = new IndexMap<At<Port>>((p) => p.host_id);
  readonly portsByVpc = new IndexMap<At<Port>>((p) => p.vpc_id);
  readonly networksByVpc = new IndexMap<At<Network>>((n) => n.vpc_id);
  readonly routesByVpc = new IndexMap<At<Route>>((r) => r.vpc_id);

  #revision = 0;
  readonly #listeners = new Set<(changes: IntentChange[]) => void>();
  readonly #waiting = new Set<() => void>();
  readonly #options: IntentViewOptions;

  /** Resolves when everything is loaded; rejects with the store's error where that fails. */
  static async open(options: IntentViewOptions): Promise<IntentView> {
    const view = new IntentView(options);
    await view.#load();
    void view.#follow();
    return view;
  }

  private constructor(options: IntentViewOptions) {
    this.#options = options;
  }

  /** Everything up to this revision of the store is in the view, nothing after it. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Calls back after each step of the view, with the maps already new; the answer ends it. A listener that throws has
   * missed the step for good, so its error ends the process instead of passing for the store's.
   */
  onChange(listener: (changes: IntentChange[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once the view has everything up to `revision`; rejects with the signal's reason. */
  waitFor(revision: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#waiting.delete(check);
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const abort = () => end(() => reject(signal?.reason));
      const check = () => {
        if (this.#revision >= revision) end(resolve);
      };
      if (signal?.aborted) return reject(signal.reason);
      this.#waiting.add(check);
      signal?.addEventListener("abort", abort);
      check();
    });
  }

  async #follow(): Promise<void> {
    const { store, signal, clock = systemClock, onError } = this.#options;
    let reload = false;
    while (!signal.aborted) {
      try {
        if (reload) await this.#load();
        reload = true;
        for await (const batch of store.watch(keys.objects, this.#revision, signal))
          this.#advance(batch.changes, batch.revision);
      } catch (error) {
        if (signal.aborted) return;
        onError?.(error);
        // A forgotten history is read anew at once; anything else may last.
        if (!(error instanceof StoreError && error.code === "compacted")) await pause(clock, RETRY_MS, signal);
      }
    }
  }

  /** Lists everything; what is not there any more is a change, too. */
  async #load(): Promise<void> {
    const { entries, revision } = await this.#options.store.range({ prefix: keys.objects });
    const present = new Set(entries.map((e) => e.key));
    const gone = [...this.#knownKeys()].filter((key) => !present.has(key));
    const changes = [
      ...gone.map((key) => ({ key, entry: undefined })),
      ...entries.map((entry) => ({ key: entry.key, entry })),
    ];
    this.#advance(changes, revision);
  }

  *#knownKeys(): Generator<string> {
    for (const noun of NOUNS) for (const id of this.#mapOf(noun).keys()) yield keys.object(noun.plural, id);
    yield* this.broken.keys();
  }

  #advance(changes: readonly { key: string; entry: Entry | undefined }[], revision: number): void {
    const told = changes.map(({ key, entry }) => this.#apply(key, entry)).filter((c) => c !== undefined);
    this.#revision = revision;
    if (told.length > 0) for (const listener of [...this.#listeners]) tell(listener, told);
    for (const check of [...this.#waiting]) check();
  }

  #apply(key: string, entry: Entry | undefined): IntentChange | undefined {
    const [plural, id] = key.slice(keys.objects.length).split("/") as [string, string];
    const noun = NOUNS.find((n) => n.plural === plural);
    // A noun of a newer version: not ours to judge.
    if (!noun) return undefined;
    const map = this.#mapOf(noun);
    const before = map.get(id);
    if (before && before.revision === entry?.mod_revision) return undefined;
    const parsed = entry && parseObject(noun as Noun, entry);
    const broken = this.broken as Map<string, Broken>;
    if (parsed instanceof Broken) broken.set(key, parsed);
    else broken.delete(key);
    const after = parsed instanceof Broken ? undefined : parsed;
    if (after) map.set(id, after);
    else map.delete(id);
    if (!before && !after) return undefined;
    const change = {
      kind: noun.kind,
      id,
      ...(before && { before }),
      ...(after && { after }),
    } as unknown as IntentChange;
    this.#index(change);
    return change;
  }

  #mapOf(noun: { readonly plural: string }): Map<string, AnyObject> {
    return this[noun.plural as Exclude<keyof Intent, "revision">] as unknown as Map<string, AnyObject>;
  }

  #index(change: IntentChange): void {
    if (change.kind === "port") {
      this.portsByNetwork.replace(change.before, change.after);
      this.portsByHost.replace(change.before, change.after);
      this.portsByVpc.replace(change.before, change.after);
    } else if (change.kind === "host") this.hostsByRole.replace(change.before, change.after);
    else if (change.kind === "network") this.networksByVpc.replace(change.before, change.after);
    else if (change.kind === "route") this.routesByVpc.replace(change.before, change.after);
  }
}

function tell(listener: (changes: IntentChange[]) => void, changes: IntentChange[]): void {
  try {
    listener(changes);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
