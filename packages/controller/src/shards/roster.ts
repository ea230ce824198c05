import { type Change, type Entry, keys } from "@onehop/store";

/** A controller that lives, as it wrote itself down. */
export interface MemberEntry {
  readonly name: string;
  readonly agent_address: string;
  /** Random, of the process. */
  readonly incarnation: string;
  /** Of its key. */
  readonly revision: number;
}

/** Who holds a shard, and since which revision. */
export interface ClaimEntry {
  readonly name: string;
  readonly revision: number;
}

/** Members and claims as the store has them, read by one watch: a claim is never seen before its member. */
export class Roster {
  readonly members = new Map<string, MemberEntry>();
  readonly claims = new Map<string, ClaimEntry>();
  /** Up to which it is known. */
  revision = 0;

  /** Everything there is. Answers the shards whose claim is new or gone, and whether members came or went. */
  list(entries: readonly Entry[], revision: number): Moved {
    const present = new Set(entries.map((e) => e.key));
    const gone = [...[...this.members.keys()].map(keys.member), ...[...this.claims.keys()].map(keys.claim)].filter(
      (key) => !present.has(key),
    );
    return this.change(
      [...gone.map((key) => ({ key, entry: undefined })), ...entries.map((entry) => ({ key: entry.key, entry }))],
      revision,
    );
  }

  change(changes: readonly Change[], revision: number): Moved {
    this.revision = revision;
    const shards = new Set<string>();
    let members = false;
    for (const { key, entry } of changes) {
      if (key.startsWith(keys.members)) members = this.#setMember(key.slice(keys.members.length), entry) || members;
      if (!key.startsWith(keys.claims)) continue;
      const shard = key.slice(keys.claims.length);
      shards.add(shard);
      if (entry) this.claims.set(shard, { name: entry.value, revision: entry.mod_revision });
      else this.claims.delete(shard);
    }
    return { shards, members };
  }

  #setMember(name: string, entry: Entry | undefined): boolean {
    const before = this.members.get(name);
    const member = entry && parseMember(name, entry);
    if (member) this.members.set(name, member);
    else this.members.delete(name);
    return before?.revision !== member?.revision;
  }
}

export interface Moved {
  readonly shards: ReadonlySet<string>;
  readonly members: boolean;
}

/** Undefined: what is stored is none, so that it gets no shards. */
function parseMember(name: string, { value, mod_revision }: Entry): MemberEntry | undefined {
  try {
    const { agent_address, incarnation } = JSON.parse(value) as Partial<MemberEntry>;
    if (typeof agent_address !== "string" || typeof incarnation !== "string") return undefined;
    return { name, agent_address, incarnation, revision: mod_revision };
  } catch {
    return undefined;
  }
}
