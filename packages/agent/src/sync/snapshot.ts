import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SliceEnvelope, SliceId } from "@onehop/core";
import { hashes } from "./hash.ts";
import { rootOnly } from "./root_only.ts";

/** Ids are of this form; anything else never becomes a path. */
const SLICE_ID = /^[a-z]+(\/[0-9A-Za-z-]+)?$/;
const SUFFIX = ".v1.json";

export interface SnapshotOptions {
  readonly stateDir: string;
  /** Id of this host, where it is known: the plan of another's folder is not taken for ours. */
  readonly hostId?: string;
  /** Told in a sentence what is wrong with a file. */
  readonly onProblem: (sentence: string) => void;
}

/**
 * The last plan on disk, a file a slice, for a start with no controller alive. A slice is written before it is applied,
 * so that an agent that was killed never starts from less than the kernel has.
 */
export class Snapshot {
  readonly #dir: string;
  readonly #options: SnapshotOptions;

  constructor(options: SnapshotOptions) {
    this.#dir = join(options.stateDir, "plan");
    this.#options = options;
  }

  /** A file that is not as it was written is passed over: the controllers have its slice too. */
  async load(): Promise<SliceEnvelope[]> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const slices: SliceEnvelope[] = [];
    for (const name of await readdir(this.#dir)) {
      if (!name.endsWith(SUFFIX)) continue;
      const path = join(this.#dir, name);
      try {
        slices.push(await this.#read(path, name));
      } catch (error) {
        this.#options.onProblem(`${path} is not used: ${(error as Error).message}.`);
      }
    }
    return slices;
  }

  async #read(path: string, name: string): Promise<SliceEnvelope> {
    const { hostId, onProblem } = this.#options;
    const opened = await rootOnly(path);
    if (opened) onProblem(opened);
    const slice = JSON.parse(await readFile(path, "utf8")) as Partial<SliceEnvelope> | null;
    if (!isWhole(slice)) throw new Error("it is no slice of a plan, or not all of one");
    if (fileOf(slice.id) !== name) throw new Error(`it has what belongs to ${slice.id}`);
    if (slice.body.type === "host" && hostId !== undefined && slice.body.host_id !== hostId)
      throw new Error(`it is of host ${slice.body.host_id}, and this is ${hostId}`);
    return slice;
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
    return join(this.#dir, fileOf(id));
  }
}

const fileOf = (id: SliceId): string => `${id.replace("/", "_")}${SUFFIX}`;

/** As a controller sent it: its hash says so. */
function isWhole(slice: Partial<SliceEnvelope> | null): slice is SliceEnvelope {
  const { id, epoch, generation, hash, body } = slice ?? {};
  return (
    typeof id === "string" &&
    Number.isSafeInteger(epoch) &&
    Number.isSafeInteger(generation) &&
    typeof body?.type === "string" &&
    id.split("/")[0] === body.type &&
    hashes.of(body).hash === hash
  );
}
