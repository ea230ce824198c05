import { type Store, StoreError } from "@onehop/store";

/**
 * One store over several connections, each operation by the next: what is acknowledged by one must be seen by all.
 * Reads are asked again when their connection breaks; writes never are. A watch begins when its member has caught up,
 * as that of every reader does, who lists first.
 */
export function spread(stores: readonly Store[]): Store {
  let turn = 0;
  const next = (): Store => stores[turn++ % stores.length]!;
  const again = async <T>(ask: (store: Store) => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++)
      try {
        return await ask(next());
      } catch (error) {
        if (tries > 50 || !(error instanceof StoreError && error.code === "unavailable")) throw error;
      }
  };
  return {
    get: (key) => again((s) => s.get(key)),
    range: (query) => again((s) => s.range(query)),
    txn: (txn) => next().txn(txn),
    async *watch(prefix, after, signal) {
      const store = next();
      if (!signal.aborted) await again(() => store.range({ prefix, limit: 1, keysOnly: true }));
      yield* store.watch(prefix, after, signal);
    },
    grantLease: (seconds) => again((s) => s.grantLease(seconds)),
    keepAlive: (lease) => again((s) => s.keepAlive(lease)),
    revokeLease: (lease) => again((s) => s.revokeLease(lease)),
    compact: (revision) => again((s) => s.compact(revision)),
    async close() {
      await Promise.all(stores.map((s) => s.close()));
    },
  };
}
