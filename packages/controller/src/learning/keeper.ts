import { OnehopError } from "@onehop/core";
import { type Clock, type IntentChange, type IntentView, keys, MAX_OPS, type Op, type Store } from "@onehop/store";
import { Leases } from "../allocate/leases.ts";
import { hasHubs, hubsOf, type IndexedIntent, type Plans, type Stage } from "../compile/index.ts";
import type { Random } from "../handlers/handler.ts";
import type { Reports } from "../realise/reports.ts";
import type { Facts } from "./facts.ts";
import type { Holding } from "./holders.ts";
import { lateHosts, makeMissingKey, rotateKey, setStage } from "./keys.ts";

export interface KeeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly view: IntentView;
  readonly indexed: IndexedIntent;
  readonly plans: Plans;
  readonly reports: Reports;
  readonly facts: Facts;
  readonly random: Random;
  /** Whether this controller looks after the VPC. Two that do so disturb nothing. */
  readonly isMine: (vpcId: string) => boolean;
  readonly onError: (error: unknown) => void;
}

/** Before what waits for hosts is looked at again, whatever they report. */
const AGAIN_MS = 5000;
/** Longer than an agent answers for guests that left it (agent/src/learning/lingering.ts). */
const LINGER_S = 330;

/** Looks after the keys of VPCs: that each has one, who was given it, and how far the VPC is on its way to learning. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #leases: Leases;
  readonly #due = new Set<string>();
  readonly #waiting = new Set<string>();
  /** The VPC that is looked at. */
  #at: string | undefined;
  #cancel: () => void = () => undefined;

  constructor(options: KeeperOptions) {
    const { store, clock, view, signal } = options;
    this.#options = options;
    this.#leases = new Leases(store, clock);
    const stop = view.onChange((changes) => this.look(this.#touched(changes)));
    signal.addEventListener("abort", () => {
      stop();
      this.#cancel();
    });
  }

  /** Something about these VPCs is another now. */
  look(vpcIds: Iterable<string>): void {
    for (const id of vpcIds) this.#due.add(id);
    void this.#work();
  }

  lookAtAll(): void {
    this.look(this.#options.view.vpcs.keys());
  }

  /** Hosts reported: what waits for them may go on. */
  reported(): void {
    if (this.#waiting.size > 0) this.look(this.#waiting);
    // What is looked at just now may have seen too little.
    if (this.#at !== undefined) this.look([this.#at]);
  }

  *#touched(changes: readonly IntentChange[]): Iterable<string> {
    for (const change of changes) {
      if (change.kind === "vpc") yield change.id;
      // Who has ports in it.
      if (change.kind === "port" && change.before?.host_id !== change.after?.host_id)
        for (const port of [change.before, change.after])
          if (port?.host_id && !this.#isNoted(port.vpc_id, port.host_id)) yield port.vpc_id;
      // Hubs may be of any VPC.
      if (change.kind === "host") yield* this.#options.view.vpcs.keys();
    }
  }

  /** Whether it is stored already that the host is given the VPC's key, or is not. */
  #isNoted(vpcId: string, hostId: string): boolean {
    const { plans, facts } = this.#options;
    return plans.hostsOf(`vpc/${vpcId}`).has(hostId) === (facts.holders.of(vpcId).get(hostId) === "serves");
  }

  async #work(): Promise<void> {
    if (this.#at !== undefined) return;
    for (const id of this.#due) {
      this.#at = id;
      this.#due.delete(id);
      this.#waiting.delete(id);
      try {
        if (!(await this.#keep(id))) this.#waiting.add(id);
      } catch (error) {
        this.#options.onError(error);
        this.#waiting.add(id);
      }
    }
    this.#at = undefined;
    this.#cancel();
    const { clock, signal } = this.#options;
    if (this.#waiting.size > 0 && !signal.aborted) this.#cancel = clock.after(AGAIN_MS, () => this.reported());
  }

  /** False: it is to be looked at again. */
  async #keep(vpcId: string): Promise<boolean> {
    const { store, view, facts, random, isMine, signal } = this.#options;
    if (signal.aborted || !view.vpcs.has(vpcId) || !isMine(vpcId)) return true;
    const key = facts.storedKey(vpcId);
    if (!key) {
      await makeMissingKey(store, vpcId, random);
      return true;
    }
    const stage = nextStage(vpcId, key.stage, this.#options);
    if (stage !== key.stage) {
      await setStage(store, vpcId, stage);
      return true;
    }
    await this.#noteHolders(vpcId, key.version);
    const isPurged = await this.#purge(vpcId);
    return isPurged && (stage === "learned" || !hasHubs(this.#options.indexed, vpcId));
  }

  async #noteHolders(vpcId: string, version: number): Promise<void> {
    const { store, view, facts, plans, indexed } = this.#options;
    const isGiven = hasHubs(indexed, vpcId);
    const serving = isGiven ? plans.hostsOf(`vpc/${vpcId}`) : NOBODY;
    const { notes, lingering } = holderNotes({ vpcId, version, serving, holders: facts.holders.of(vpcId) });
    const left = lingering.filter((hostId) => view.hosts.has(hostId));
    // Nobody waits for a host that was removed.
    for (const hostId of facts.holders.of(vpcId).keys())
      if (!view.hosts.has(hostId)) notes.push({ delete: keys.keyLingerer(vpcId, hostId) });
    const lease = left.length > 0 ? await this.#leases.lease(LINGER_S) : "";
    const value = String(version);
    const all = [...notes, ...left.map((hostId): Op => ({ put: keys.keyLingerer(vpcId, hostId), value, lease }))];
    const compare = [{ exists: keys.object("vpcs", vpcId) }];
    for (let i = 0; i < all.length; i += MAX_OPS - 1) await store.txn({ compare, then: all.slice(i, i + MAX_OPS - 1) });
  }

  /** A host that was removed must not know a key that is accepted: another is given, until it does not. */
  async #purge(vpcId: string): Promise<boolean> {
    const { store, plans, reports, random, facts, view } = this.#options;
    const key = facts.storedKey(vpcId);
    if (!key) return true;
    const accepted = key.former ? key.version - 1 : key.version;
    const knows = (held: Holding) => held === "serves" || held >= accepted;
    const isKnown = [...facts.holders.of(vpcId)].some(([hostId, held]) => !view.hosts.has(hostId) && knows(held));
    if (!isKnown) return true;
    try {
      await rotateKey(vpcId, { store, plans, reports, random, known: key });
    } catch (error) {
      if (!(error instanceof OnehopError)) throw error;
    }
    return false;
  }
}

interface HolderState {
  readonly vpcId: string;
  /** Of the key. */
  readonly version: number;
  /** Hosts that are given it. */
  readonly serving: ReadonlySet<string>;
  readonly holders: ReadonlyMap<string, Holding>;
}

/** What is to be written so that the store has who holds the key, and who ceased to serve the VPC just now. */
export function holderNotes({ vpcId, version, serving, holders }: HolderState) {
  const notes: Op[] = [];
  const lingering: string[] = [];
  for (const hostId of serving) {
    if (holders.get(hostId) === "serves") continue;
    notes.push({ put: keys.keyHolder(vpcId, hostId), value: "" });
    if (holders.has(hostId)) notes.push({ delete: keys.keyLingerer(vpcId, hostId) });
  }
  for (const [hostId, held] of holders) {
    if (serving.has(hostId)) continue;
    if (held === "serves") {
      notes.push({ put: keys.keyHolder(vpcId, hostId), value: String(version) });
      lingering.push(hostId);
      // What it knows is accepted no more.
    } else if (held < version - 1) notes.push({ delete: keys.keyHolder(vpcId, hostId) });
  }
  return { notes, lingering };
}

type Known = Pick<KeeperOptions, "indexed" | "plans" | "reports">;

/** How far the VPC may go: its hubs must have its table before it learns, and its hosts know before they are told less. */
export function nextStage(vpcId: string, stage: Stage, { indexed, plans, reports }: Known): Stage {
  if (!hasHubs(indexed, vpcId)) return "pushed";
  if (stage === "learned") return stage;
  if (lateHosts(vpcId, plans, reports).length > 0) return stage;
  if (stage === "both") return "learned";
  const live = hubsOf(indexed, vpcId).filter((hub) => reports.live(hub.id));
  return live.length > 0 && live.every((hub) => indexed.learning.inSync(hub.id, vpcId)) ? "both" : stage;
}

const NOBODY: ReadonlySet<string> = new Set();
