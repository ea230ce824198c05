import type { Change, Entry } from "../store.ts";
import { SortedKeys } from "./sorted_keys.ts";

/** What a key was from a revision on; no entry: it was deleted then. */
interface Version {
  readonly revision: number;
  readonly entry: Entry | undefined;
}
/** The changes of one transaction. */
export interface Commit {
  readonly revision: number;
  readonly changes: readonly Change[];
}

/** All that there was at a revision. */
export interface MemoryCopy {
  readonly revision: number;
  readonly entries: readonly Entry[];
}

/** Every version of every key since the last compaction, and the transactions that made them. */
export class History {
  /** As in etcd, an empty store is at revision 1. */
  revision = 1;
  /** The oldest revision that can still be read. */
  oldest = 0;
  readonly #versions = new Map<string, Version[]>();
  readonly #keys = new SortedKeys();
  #commits: Commit[] = [];

  static of({ revision, entries }: MemoryCopy): History {
    const history = new History();
    history.revision = revision;
    history.oldest = revision;
    for (const entry of entries) {
      history.#versions.set(entry.key, [{ revision: entry.mod_revision, entry }]);
      history.#keys.add(entry.key);
    }
    return history;
  }

  at(key: string, revision = this.revision): Entry | undefined {
    return this.#versions.get(key)?.findLast((v) => v.revision <= revision)?.entry;
  }

  *entries(prefix: string, from: string, revision: number): Generator<Entry> {
    for (const key of this.#keys.from(prefix, from)) {
      const entry = this.at(key, revision);
      if (entry) yield entry;
    }
  }

  commit(changes: readonly Change[]): void {
    const revision = ++this.revision;
    for (const { key, entry } of changes) {
      const versions = this.#versions.get(key);
      if (versions) versions.push({ revision, entry });
      else this.#versions.set(key, [{ revision, entry }]);
      this.#keys.add(key);
    }
    this.#commits.push({ revision, changes });
  }

  /** Transactions after the revision, oldest first. */
  commitsAfter(revision: number): readonly Commit[] {
    const last = this.#commits.at(-1);
    if (!last || last.revision <= revision) return [];
    // Every transaction adds one revision, so the place is known.
    return this.#commits.slice(this.#commits.length - (last.revision - revision));
  }

  /** How many versions are kept, of all keys. */
  get versions(): number {
    return [...this.#versions.values()].reduce((sum, versions) => sum + versions.length, 0);
  }

  compact(revision: number): void {
    if (revision <= this.oldest) return;
    this.oldest = revision;
    this.#commits = this.#commits.filter((c) => c.revision > revision);
    for (const [key, versions] of this.#versions) {
      const keep = versions.findLastIndex((v) => v.revision <= revision);
      if (keep > 0) versions.splice(0, keep);
      if (versions.length === 1 && versions[0]?.entry === undefined && keep >= 0) {
        this.#versions.delete(key);
        this.#keys.delete(key);
      }
    }
  }
}
