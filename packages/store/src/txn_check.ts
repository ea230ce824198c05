import { MAX_OPS, type Op, type Txn } from "./store.ts";

/**
 * Refuses what no store can do, with a RangeError (the caller's mistake, never the user's): more than MAX_OPS operations
 * or compares, and operations that touch one key twice, whose outcome would depend on their order.
 */
export function checkTxn(txn: Txn): void {
  limit("operations", txn.then.length);
  limit("compares", txn.compare.length);
  const puts = new Set<string>();
  for (const op of txn.then) if ("put" in op) addOnce(puts, op.put);
  for (const op of txn.then) {
    const hit = "put" in op ? undefined : putUnder(puts, op);
    if (hit !== undefined) throw new RangeError(`a transaction puts and deletes ${hit}`);
  }
}

function limit(what: string, count: number): void {
  if (count > MAX_OPS) throw new RangeError(`a transaction has ${count} ${what}; the most is ${MAX_OPS}`);
}

function addOnce(puts: Set<string>, key: string): void {
  if (puts.has(key)) throw new RangeError(`a transaction puts ${key} twice`);
  puts.add(key);
}

function putUnder(puts: ReadonlySet<string>, op: Exclude<Op, { put: string }>): string | undefined {
  if ("delete" in op) return puts.has(op.delete) ? op.delete : undefined;
  for (const key of puts) if (key.startsWith(op.deletePrefix)) return key;
  return undefined;
}
