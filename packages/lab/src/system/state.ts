import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labDir, labFiles, labOfDir, newLabId, RUN_DIR } from "../names.ts";
import { identify, isAlive, type ProcessId } from "./identity.ts";

/** What a lab writes down about itself: enough to find it, to use it, and to clean after it when it was killed. */
export interface LabState {
  readonly version: 1;
  readonly id: string;
  readonly owner: ProcessId;
  readonly children: readonly (ProcessId & { readonly name: string })[];
  readonly hosts: readonly string[];
  /** The API answers and the hosts are there. */
  readonly ready: boolean;
  /** Base URL of the API. */
  readonly url: string;
}

/** Undefined where there is none, or none that can be read. */
export function readState(id: string): LabState | undefined {
  try {
    return JSON.parse(readFileSync(labFiles(id).state, "utf8")) as LabState;
  } catch {
    return undefined;
  }
}

export function writeState(state: LabState): void {
  const { state: file } = labFiles(state.id);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Makes the directory of a new lab, its state in it from the first moment on. */
export function claimLab(random: () => number): LabState {
  mkdirSync(RUN_DIR, { recursive: true });
  for (let attempt = 0; attempt < 100; attempt++) {
    const id = newLabId(random);
    const state: LabState = {
      version: 1,
      id,
      owner: identify(process.pid)!,
      children: [],
      hosts: [],
      ready: false,
      url: `unix:${labFiles(id).apiSocket}`,
    };
    const draft = mkdtempSync(join(RUN_DIR, "new-"));
    writeFileSync(join(draft, "lab.json"), JSON.stringify(state), { mode: 0o600 });
    try {
      renameSync(draft, labDir(id));
      return state;
    } catch {
      rmSync(draft, { recursive: true }); // the id is taken
    }
  }
  throw new Error(`No free lab id under ${RUN_DIR}; look at what is there.`);
}

export function allLabs(): string[] {
  let names: string[];
  try {
    names = readdirSync(RUN_DIR);
  } catch {
    return [];
  }
  return names.map(labOfDir).filter((id): id is string => id !== undefined);
}

/** A lab whose owner lives. One without a readable state has none. */
export const isLive = (id: string): boolean => {
  const state = readState(id);
  return state !== undefined && isAlive(state.owner);
};
export const liveLabs = (): LabState[] =>
  allLabs()
    .filter(isLive)
    .map((id) => readState(id)!);
