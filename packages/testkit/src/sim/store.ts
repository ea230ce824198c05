import {
  type Entry,
  type MemoryStore,
  type RangeQuery,
  type RangeResult,
  type Store,
  StoreError,
  type Txn,
  type TxnResult,
  type WatchBatch,
} from "@onehop/store";
import type { Network } from "./network.ts";
import type { Process } from "./process.ts";

export const STORE = "store";
/** As of EtcdStore. */
const DEADLINE_MS = 1800;
/** Percent of what is told of revisions that changed nothing of a watched prefix. */
const PROGRESS = 10;

export interface StoreRig {
  readonly memory: MemoryStore;
  readonly network: Network;
  /** Percent of calls whose question, or whose answer, gets lost. */
  readonly lossy: () => number;
  /** Sees every transaction right before it is done; what it answers is called where it was. */
  readonly onTxn: (txn: Txn, by: Process) => () => void;
}

/** The store as one process sees it, over the network: calls may fail before they are done, or after. */
export class FarStore implements Store {
  readonly #rig: StoreRig;
  readonly #process: Process;

  constructor(rig: StoreRig, process: Process) {
    this.#rig = rig;
    this.#process = process;
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#call(() => this.#rig.memory.get(key));
  }
  range(query: RangeQuery): Promise<RangeResult> {
    return this.#call(() => this.#rig.memory.range(query));
  }
  txn(txn: Txn): Promise<TxnResult> {
    return this.#call(async () => {
      const done = this.#rig.onTxn(txn, this.#process);
      const result = await this.#rig.memory.txn(txn);
      if (result.ok) done();
      return result;
    });
  }
  grantLease(ttlSeconds: number): Promise<string> {
    return this.#call(() => this.#rig.memory.grantLease(ttlSeconds));
  }
  keepAlive(lease: string): Promise<boolean> {
    return this.#call(() => this.#rig.memory.keepAlive(lease));
  }
  revokeLease(lease: string): Promise<void> {
    return this.#call(() => this.#rig.memory.revokeLease(lease));
  }
  compact(revision: number): Promise<void> {
    return this.#call(() => this.#rig.memory.compact(revision));
  }
  async close(): Promise<void> {}

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const { memory, network } = this.#rig;
    const ending = new AbortController();
    const end = () => ending.abort("over");
    signal.addEventListener("abort", end);
    this.#process.onEnd(end);
    try {
      for await (const batch of memory.watch(prefix, after, ending.signal)) {
        if (batch.changes.length === 0 && !network.random.chance(PROGRESS)) continue;
        await this.#arrived();
        if (signal.aborted) return;
        yield batch;
      }
    } catch (error) {
      await this.#arrived();
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
    // A dead process hears nothing more.
    if (this.#process.dead) await new Promise(() => undefined);
  }

  /** Resolves when what the store tells now has come. */
  #arrived(): Promise<void> {
    const { network } = this.#rig;
    return new Promise((resolve) => {
      const tryIt = () => {
        if (network.isCut(this.#process.machine, STORE)) network.time.after(50, tryIt);
        else this.#process.do(resolve);
      };
      network.time.after(network.delay(), tryIt);
    });
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    const { network, lossy } = this.#rig;
    const process = this.#process;
    const isLost = () => network.isCut(process.machine, STORE) || network.random.chance(lossy());
    return new Promise((resolve, reject) => {
      const late = () => reject(new StoreError("unavailable", "The store did not answer."));
      const cancel = process.clock.after(DEADLINE_MS, late);
      const answer = (settle: () => void) => {
        if (isLost()) return;
        network.time.after(network.delay(), () =>
          process.do(() => {
            cancel();
            settle();
          }),
        );
      };
      network.time.after(network.delay(), () => {
        if (isLost()) return;
        work().then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        );
      });
    });
  }
}
