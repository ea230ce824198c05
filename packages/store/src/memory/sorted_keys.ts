/** Keys per chunk before it is split: inserting costs one search and one short move, whatever the total. */
const CHUNK = 512;

/** A sorted set of strings for hundreds of thousands of keys: a list of short sorted lists. */
export class SortedKeys {
  readonly #chunks: string[][] = [[]];

  add(key: string): void {
    const c = this.#chunkOf(key);
    const chunk = this.#chunks[c] as string[];
    const i = lowerBound(chunk, key);
    if (chunk[i] === key) return;
    chunk.splice(i, 0, key);
    if (chunk.length > CHUNK) this.#chunks.splice(c + 1, 0, chunk.splice(CHUNK / 2));
  }

  delete(key: string): void {
    const c = this.#chunkOf(key);
    const chunk = this.#chunks[c] as string[];
    const i = lowerBound(chunk, key);
    if (chunk[i] !== key) return;
    chunk.splice(i, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(c, 1);
  }

  /** Keys with the prefix, in order, beginning with the first that is not before `from`. */
  *from(prefix: string, from: string): Generator<string> {
    const start = from > prefix ? from : prefix;
    for (let c = this.#chunkOf(start); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c] as string[];
      for (let i = lowerBound(chunk, start); i < chunk.length; i++) {
        const key = chunk[i] as string;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }

  /** The last chunk whose first key is not after `key`, or the first chunk. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#chunks[middle]?.[0] ?? "") <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
