import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SliceEnvelope, SliceId } from "@onehop/core";

/** Ids are of this form; anything else never becomes a path. */
const SLICE_ID = /^[a-z]+(\/[0-9A-Za-z-]+)?$/;
const SUFFIX = ".v1.json";

/**
 * The last plan on disk, a file a slice, for a start with no controller alive. A slice is written before it is applied,
 * so that an agent that was killed never starts from less than the kernel has.
 */
export class Snapshot {
  readonly #dir: string;
  readonly #onError: (error: unknown) => void;

  constructor(options: { readonly stateDir: string; readonly onError: (error: unknown) => void }) {
    this.#dir = join(options.stateDir, "plan");
    this.#onError = options.onError;
  }

  /** A file that cannot be read is passed over: the controllers have its slice too. */
  async load(): Promise<SliceEnvelope[]> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const slices: SliceEnvelope[] = [];
    for (const name of await readdir(this.#dir)) {
      if (!name.endsWith(SUFFIX)) continue;
      try {
        slices.push(JSON.parse(await readFile(join(this.#dir, name), "utf8")) as SliceEnvelope);
      } catch (error) {
        this.#onError(error);
      }
    }
    return slices;
  }

  /** Each slice whole or not at all, even where the power fails: written beside, synced, renamed. */
  async save(slices: Iterable<SliceEnvelope>): Promise<void> {
    for (const slice of slices) {
      const path = this.#pathOf(slice.id);
      const file = await open(`${path}.new`, "w", 0o600);
      try {
        await file.writeFile(JSON.stringify(slice));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    }
  }

  async forget(ids: Iterable<SliceId>): Promise<void> {
    for (const id of ids) await rm(this.#pathOf(id), { force: true });
  }

  #pathOf(id: SliceId): string {
    if (!SLICE_ID.test(id)) throw new Error(`${id} is no slice's id`);
    return join(this.#dir, `${id.replace("/", "_")}${SUFFIX}`);
  }
}
