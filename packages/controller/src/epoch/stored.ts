import { epochPartsOf, type Held } from "@onehop/core";

/** How far a store was: revisions of a higher epoch come after all of a lower one. */
export interface Mark {
  readonly epoch: number;
  readonly revision: number;
}
/** Why a store is not trusted: somebody has seen more of it than there is. */
export interface Freeze {
  /** What was seen; undefined: an operator froze it by hand, or the text cannot be read. */
  readonly seen?: Mark;
  /** Where the store was when that was found. */
  readonly store?: Mark;
  /** Who has seen it: `controller c1`, `host h1`. */
  readonly by?: string;
}
/** The value of the key `epoch`: `3`, `3 frozen`, or `3 frozen {JSON of a Freeze}`. */
export interface StoredEpoch {
  readonly epoch: number;
  readonly frozen?: Freeze;
}

/** Undefined: it cannot be read. No text: the epoch was never raised. */
export function parseEpoch(text = "1"): StoredEpoch | undefined {
  const [, number, frozen, more] = /^([1-9]\d{0,8})( frozen(?: (\{.*\}))?)?$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  return { epoch: Number(number), ...(frozen ? { frozen: freezeIn(more) } : {}) };
}

export const textOf = ({ epoch, frozen }: StoredEpoch): string =>
  frozen ? `${epoch} frozen ${JSON.stringify(frozen)}` : String(epoch);

/** A later version may have written more, or less. */
function freezeIn(text: string | undefined): Freeze {
  try {
    const { seen, store, by } = JSON.parse(text ?? "{}") as Freeze;
    return {
      ...(isMark(seen) ? { seen } : {}),
      ...(isMark(store) ? { store } : {}),
      ...(by ? { by: String(by) } : {}),
    };
  } catch {
    return {};
  }
}

const isMark = (mark: Mark | undefined): mark is Mark =>
  Number.isSafeInteger(mark?.epoch) && Number.isSafeInteger(mark?.revision);

export const isBehind = (a: Mark, b: Mark): boolean =>
  a.epoch < b.epoch || (a.epoch === b.epoch && a.revision < b.revision);

/** The most of the store that a host with these slices has seen; undefined: nothing. */
export function seenIn(held: readonly Held[]): Mark | undefined {
  let most: Mark | undefined;
  for (const { epoch, generation } of held) {
    const { storeEpoch, claimRevision } = epochPartsOf(epoch);
    const mark = { epoch: storeEpoch, revision: Math.max(claimRevision, generation) };
    if (!most || isBehind(most, mark)) most = mark;
  }
  return most;
}

/** For people. */
export function sentenceOf({ seen, store, by }: Freeze): string {
  const what =
    seen && store
      ? `The store is at revision ${store.revision} of epoch ${store.epoch}, but ${by ?? "somebody"} has seen revision ${seen.revision} of epoch ${seen.epoch}: it was put back to an earlier state, or is another store.`
      : "The store was frozen.";
  return `${what} Nothing is written or sent to hosts until an operator has looked: onehop store accept.`;
}
