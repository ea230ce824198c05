import { type Clock, type Store, StoreError } from "@onehop/store";

/** Milliseconds that a request waits for one answer of the store; the client then hears 503 within two seconds. */
const PATIENCE_MS = 1500;

/** The store, whose reads and writes fail as unavailable where it does not answer in time. */
export function impatient(store: Store, clock: Clock): Store {
  const inTime = <T>(answer: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const late = () => reject(new StoreError("unavailable", "the store does not answer in time"));
      const cancel = clock.after(PATIENCE_MS, late);
      answer.then(resolve, reject).finally(cancel);
    });
  return {
    get: (key) => inTime(store.get(key)),
    range: (query) => inTime(store.range(query)),
    txn: (txn) => inTime(store.txn(txn)),
    grantLease: (seconds) => inTime(store.grantLease(seconds)),
    keepAlive: (lease) => store.keepAlive(lease),
    revokeLease: (lease) => store.revokeLease(lease),
    watch: (prefix, after, signal) => store.watch(prefix, after, signal),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
}
