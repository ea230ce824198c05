import { epochOf, type Link, type Members, type SliceId } from "@onehop/core";
import { type Clock, type Compare, keys, type Store } from "@onehop/store";
import { follow } from "../realise/follow.ts";
import { Claims } from "./claims.ts";
import { Membership } from "./membership.ts";
import { type DialMember, Peers } from "./peers.ts";
import { type MemberEntry, type Moved, Roster } from "./roster.ts";

export interface ShardsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly self: Pick<MemberEntry, "name" | "incarnation">;
  readonly dial: DialMember;
  /** Of the store; undefined: it is frozen, so that nothing is claimed or served. */
  readonly storeEpoch: () => number | undefined;
  /** Slices that some host is interested in: each is a shard. */
  readonly wanted: () => Iterable<SliceId>;
  readonly isWanted: (id: SliceId) => boolean;
  readonly onGained: (ids: ReadonlySet<SliceId>) => void;
  readonly onLost: (ids: ReadonlySet<SliceId>) => void;
  readonly onMembers: () => void;
  /** Another process of our name has come. */
  readonly onReplaced: () => void;
  readonly onError?: (error: unknown) => void;
}

/** Which slices this controller serves, among all that live (docs/decisions/0009-shards.md). */
export class Shards {
  readonly #options: ShardsOptions;
  readonly #roster = new Roster();
  readonly #membership: Membership;
  readonly #claims: Claims;
  readonly #peers: Peers;

  constructor(options: ShardsOptions) {
    const { self } = options;
    const parts = { ...options, roster: this.#roster };
    this.#options = options;
    this.#membership = new Membership(parts);
    this.#peers = new Peers(parts);
    this.#claims = new Claims({
      ...parts,
      self: self.name,
      isWanted: (shard) => options.isWanted(shard as SliceId),
      isMember: () =>
        options.storeEpoch() !== undefined && this.#roster.members.get(self.name)?.incarnation === self.incarnation,
      onGained: (shards) => options.onGained(shards as ReadonlySet<SliceId>),
      onLost: (shards) => options.onLost(shards as ReadonlySet<SliceId>),
    });
  }

  /** Joins, and works until the signal aborts; then everything is given back. `address`: where agents are served. */
  async run(address: string): Promise<void> {
    const { store, clock, signal, onError } = this.#options;
    void follow({
      store,
      clock,
      signal,
      prefix: keys.control,
      onList: (entries, revision) => this.#list(entries, revision),
      onChanges: (changes, revision) => this.#moved(this.#roster.change(changes, revision)),
      ...(onError ? { onError } : {}),
    });
    await this.#membership.run(address, signal);
    this.#peers.end();
    await this.#claims.end();
  }

  /** Epoch of the slice; undefined: another owns it. */
  epochOf(id: SliceId): number | undefined {
    const revision = this.#claims.revisionOf(id);
    const storeEpoch = this.#options.storeEpoch();
    return revision === undefined || storeEpoch === undefined ? undefined : epochOf(storeEpoch, revision);
  }
  /** Must hold for a write that only the owner may do. */
  guard(id: SliceId): Compare | undefined {
    return this.#claims.guard(id);
  }
  owned(): Iterable<SliceId> {
    return this.#claims.owned() as Iterable<SliceId>;
  }
  /** Others take us for alive. */
  get sure(): boolean {
    return this.#membership.sure && !this.#membership.replaced;
  }

  /** Slices that hosts began to be interested in, or ceased to be. */
  consider(ids: Iterable<SliceId>): void {
    this.#claims.consider(ids);
  }
  /** A connection of another controller. */
  accept(link: Link): void {
    this.#peers.accept(link);
  }

  /** All that live. */
  members(): Members {
    const members = [...this.#roster.members.values()].map(({ name, agent_address }) => ({
      name,
      address: agent_address,
    }));
    return { type: "members", self: this.#options.self.name, members };
  }

  #list(entries: Parameters<Roster["list"]>[0], revision: number): void {
    // The store was restored from an older copy: what we knew of it never was.
    const restored = revision < this.#roster.revision;
    const moved = this.#roster.list(entries, revision);
    if (restored) this.#claims.forget();
    this.#moved(moved);
  }

  #moved({ shards, members }: Moved): void {
    this.#claims.claimsMoved(shards);
    if (!members) return;
    this.#claims.membersMoved(this.#options.wanted());
    this.#peers.update();
    this.#options.onMembers();
  }
}
