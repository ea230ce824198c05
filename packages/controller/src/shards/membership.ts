import { type Clock, keys, pause, type Store } from "@onehop/store";
import type { MemberEntry, Roster } from "./roster.ts";

export interface MembershipOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly roster: Roster;
  readonly self: Pick<MemberEntry, "name" | "incarnation">;
  /** Another process of our name has come; this one contends for nothing any more. */
  readonly onReplaced: () => void;
  readonly onError?: (error: unknown) => void;
}

/** A controller that is silent for so long is taken for dead. */
export const MEMBER_TTL_S = 3;
const RETRY_MS = 200;

/** Keeps our own member key in the store while this process lives and is in touch with it. */
export class Membership {
  readonly #options: MembershipOptions;
  #sure = Number.NEGATIVE_INFINITY;
  #replaced = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Others must take us for alive: what we own is ours. */
  get sure(): boolean {
    return this.#options.clock.now() - this.#sure < MEMBER_TTL_S * 1000;
  }
  get replaced(): boolean {
    return this.#replaced;
  }

  /** Until the signal aborts; then others take over at once. `address`: where agents are served. */
  async run(address: string, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options;
    while (!signal.aborted && !this.#replaced) {
      const joined = await this.#try(() => this.#join(address));
      if (joined) {
        await this.#stay(joined, signal);
        this.#sure = Number.NEGATIVE_INFINITY;
        await this.#try(() => store.revokeLease(joined.lease));
      }
      await pause(clock, RETRY_MS, signal);
    }
  }

  async #join(agent_address: string): Promise<Joined> {
    const { store, clock, self } = this.#options;
    const asked = clock.now();
    const lease = await store.grantLease(MEMBER_TTL_S);
    const put = { put: keys.member(self.name), value: JSON.stringify({ ...self, agent_address }), lease };
    const { revision } = await store.txn({ compare: [], then: [put] });
    this.#sure = asked;
    return { lease, revision };
  }

  /** Returns when the lease is lost, or somebody buried us, or took our name. */
  async #stay({ lease, revision }: Joined, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options;
    while (!signal.aborted) {
      await pause(clock, (MEMBER_TTL_S * 1000) / 4, signal);
      if (signal.aborted || !this.#isOurs(revision)) return;
      const asked = clock.now();
      const alive = await this.#try(() => store.keepAlive(lease));
      if (alive === false) return;
      if (alive) this.#sure = asked;
    }
  }

  #isOurs(revision: number): boolean {
    const { roster, self, onReplaced } = this.#options;
    if (roster.revision < revision) return true;
    const entry = roster.members.get(self.name);
    if (entry && entry.incarnation !== self.incarnation) {
      this.#replaced = true;
      onReplaced();
    }
    return entry?.revision === revision;
  }

  async #try<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#options.onError?.(error);
      return undefined;
    }
  }
}

interface Joined {
  readonly lease: string;
  readonly revision: number;
}
