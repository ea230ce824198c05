import { mkdirSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MapLayout } from "./btf.ts";
import { codecOf } from "./codec.ts";
import { mapInfo } from "./info.ts";
import type { MapName } from "./layout.ts";
import { isOpaque, isPerCpu, isRing, mapTypeName } from "./map_kind.ts";
import { type Config, LAYOUT, type MapTypes, Program } from "./maps.gen.ts";
import * as sys from "./sys.ts";
import { CounterMap, TypedMap } from "./typed_map.ts";

/** Where tools/build_bpf.ts puts the objects, as long as the code runs from its sources. */
export const OBJECT_DIR = fileURLToPath(new URL("../dist/", import.meta.url));

export type ProgramName = Lowercase<keyof typeof Program>;
export const PROGRAM_NAMES = Object.keys(Program).map((name) => name.toLowerCase()) as readonly ProgramName[];

type Plain<N extends MapName> = TypedMap<MapTypes[N]["key"], MapTypes[N]["value"]>;
type PerCpu<N extends MapName> = CounterMap<MapTypes[N]["key"], MapTypes[N]["value"]>;
/** Every map by its name without the version: `maps.destinations`. */
export type TypedMaps = {
  readonly [N in MapName]: MapTypes[N]["kind"] extends "percpu" ? PerCpu<N> : Plain<N>;
};

/** Who this host is, and what else the programs are to do. */
export type Settings = Pick<Config, "tunnel_address" | "host"> & Partial<Config>;

export interface DatapathOptions {
  /** Folder of the compiled objects. */
  readonly objectDir: string;
  /** Folder on a bpf file system. Maps pinned there are adopted, the others made and pinned; without it maps are private. */
  readonly pins?: string | undefined;
  /** What is left out is 0. */
  readonly config: Settings;
  /** Other sizes than the headers', for maps that are made now. */
  readonly maxEntries?: Readonly<Partial<Record<keyof typeof LAYOUT.maps, number>>>;
  /** File descriptors by C name of another instance's maps, to work on as well; these are not looked for in `pins`. */
  readonly shared?: ReadonlyMap<string, number>;
  /** Which programs to load; all by default. */
  readonly programs?: readonly ProgramName[];
}

export interface Datapath {
  /** File descriptors, until close. */
  readonly programs: Readonly<Record<ProgramName, number>>;
  readonly maps: TypedMaps;
  /** File descriptors of every map by C name, those without codec included: `events_v1`. */
  readonly fds: ReadonlyMap<string, number>;
  /** Lets go of programs and maps; what is pinned or attached lives on. */
  close(): void;
}

/** A pinned map has another layout than this version's. */
export class PinnedMapError extends Error {
  readonly path: string;
  constructor(path: string, differences: readonly string[]) {
    super(`The pinned map ${path} was made by another version of onehop: ${differences.join("; ")}.`);
    this.name = "PinnedMapError";
    this.path = path;
  }
}

const BPF_FS_MAGIC = 0xcafe4a11;

/** Makes the folder; throws where it is not on a bpf file system. */
export function ensurePinFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (statfsSync(folder).type >>> 0 !== BPF_FS_MAGIC)
    throw new Error(`${folder} is not on a bpf file system: mount -t bpf bpf ${dirname(folder)}`);
}

function differences(fd: number, layout: MapLayout): string[] {
  const have = mapInfo(fd);
  const want = {
    type: layout.type,
    // Ring buffers have neither.
    key_size: layout.key?.size ?? 0,
    value_size: layout.value?.size ?? 0,
    map_flags: layout.flags,
  };
  const show = (name: string, n: number): string => (name === "type" ? mapTypeName(n) : String(n));
  return Object.entries(want).flatMap(([name, n]) => {
    const got = have[name as keyof typeof want];
    return got === n ? [] : [`${name} is ${show(name, got)}, expected ${show(name, n)}`];
  });
}

/** The pinned map, or undefined where there is none. Its number of entries may differ: it is adopted as it is. */
function openPinned(path: string, layout: MapLayout): number | undefined {
  const fd = sys.objectGet(path);
  if (fd === -sys.ERRNO.ENOENT) return undefined;
  sys.check(path, fd);
  const found = differences(fd, layout);
  if (found.length === 0) return fd;
  sys.closeFd(fd);
  throw new PinnedMapError(path, found);
}

/** Maps that only the instance that made them works with: neither pinned nor shared. */
export const OWN_MAPS: ReadonlySet<string> = new Set(
  ["decision", "watches", "watched", "watch_scratch", "watch_lost", "pairs", "ask_scratch", "message_scratch"].map(
    (name) => LAYOUT.maps[name]!.symbol,
  ),
);
/** Maps of an earlier version that do something as long as they are pinned: a timer runs. */
const RETIRED = ["sweeper_v1"];
/** Programs that tell nobody anything need no room for it. A ring is whole pages, of at most this size. */
const UNWATCHED: Readonly<Record<string, number>> = { watched: 65_536 };

class Objects {
  private readonly open: sys.Pointer[] = [];

  load(path: string, prepare: (object: sys.Pointer) => void): sys.Pointer {
    const object = sys.logged(`open ${path}`, () => sys.objectOpen(path, null));
    this.open.push(object);
    prepare(object);
    sys.logged(`load ${path}`, () => sys.objectLoad(object));
    return object;
  }

  close(): void {
    for (const object of this.open.splice(0)) sys.objectClose(object);
  }
}

/** Loads maps.bpf.o, which has every map once. */
function loadMaps(objects: Objects, options: DatapathOptions): Map<string, number> {
  const { pins } = options;
  const adopted = new Set<string>();
  const pathOf = (layout: MapLayout): string => join(pins ?? "", layout.symbol);
  const isPinned = (layout: MapLayout): boolean => pins !== undefined && !OWN_MAPS.has(layout.symbol);
  const adopt = (map: sys.Pointer, layout: MapLayout): boolean => {
    const lent = options.shared?.get(layout.symbol);
    const fd = lent ?? (isPinned(layout) ? openPinned(pathOf(layout), layout) : undefined);
    if (fd === undefined) return false;
    sys.check(`reuse ${layout.symbol}`, sys.mapReuseFd(map, fd));
    if (lent === undefined) sys.closeFd(fd);
    adopted.add(layout.symbol);
    return true;
  };
  if (pins !== undefined) {
    ensurePinFolder(pins);
    for (const symbol of RETIRED) rmSync(join(pins, symbol), { force: true });
  }
  const object = objects.load(join(options.objectDir, "maps.bpf.o"), (object) => {
    for (const [name, layout] of Object.entries(LAYOUT.maps)) {
      const map = sys.objectMap(object, layout.symbol);
      const size = options.maxEntries?.[name] ?? (options.config.watch ? undefined : UNWATCHED[name]);
      if (!adopt(map, layout) && size !== undefined) sys.check(`size ${name}`, sys.mapSetMaxEntries(map, size));
    }
  });
  const fds = new Map<string, number>();
  for (const layout of Object.values(LAYOUT.maps)) {
    const fd = sys.mapFd(sys.objectMap(object, layout.symbol));
    if (isPinned(layout) && !adopted.has(layout.symbol))
      sys.check(`pin ${pathOf(layout)}`, sys.objectPin(fd, pathOf(layout)));
    fds.set(layout.symbol, fd);
  }
  return fds;
}

const CONFIG_SECTION = ".rodata.config";
const DATASEC = 15;

/** Offsets of the variables of a section by name: libbpf has them only once the object is open. */
function sectionOffsets(object: sys.Pointer, section: string): Map<string, number> {
  const btf = sys.objectBtf(object);
  const u32 = (view: DataView, at: number): number => view.getUint32(at, true);
  const type = (id: number, size: number): DataView => sys.viewOf(sys.btfType(btf, id), size);
  const id = sys.check(section, sys.btfFind(btf, section, DATASEC));
  // struct btf_type: name, info, size; then for each variable struct btf_var_secinfo: type, offset, size.
  const count = u32(type(id, 12), 4) & 0xffff;
  const body = type(id, 12 + 12 * count);
  const offsets = new Map<string, number>();
  for (let at = 12; at < body.byteLength; at += 12)
    offsets.set(sys.btfName(btf, u32(type(u32(body, at), 12), 0)), u32(body, at + 4));
  return offsets;
}

function configure(object: sys.Pointer, config: Settings): void {
  const map = sys.objectMap(object, CONFIG_SECTION);
  if (map === null) return;
  const size = new BigUint64Array(1);
  const data = sys.viewOf(sys.mapInitialValue(map, size), Number(size[0]));
  const offsets = sectionOffsets(object, CONFIG_SECTION);
  for (const [name, field] of Object.entries(LAYOUT.config)) {
    const at = offsets.get(field.symbol);
    if (at !== undefined) codecOf<unknown>(LAYOUT, field).write(data, at, config[name as keyof Config] ?? 0);
  }
}

function loadProgram(objects: Objects, name: ProgramName, options: DatapathOptions, fds: ReadonlyMap<string, number>) {
  const object = objects.load(join(options.objectDir, `${name}.bpf.o`), (object) => {
    configure(object, options.config);
    for (const [symbol, fd] of fds) {
      const map = sys.objectMap(object, symbol);
      if (map !== null) sys.check(`share ${symbol}`, sys.mapReuseFd(map, fd));
    }
  });
  return sys.programFd(sys.objectProgram(object, name));
}

function typedMaps(fds: ReadonlyMap<string, number>): TypedMaps {
  const made = Object.entries(LAYOUT.maps).flatMap(([name, layout]) => {
    const fd = fds.get(layout.symbol);
    if (fd === undefined || isRing(layout) || isOpaque(layout, LAYOUT)) return [];
    return [[name, isPerCpu(layout) ? new CounterMap(fd, layout) : new TypedMap(fd, layout)] as const];
  });
  return Object.fromEntries(made) as unknown as TypedMaps;
}

/**
 * Loads the programs over one set of maps. Throws PinnedMapError where a pinned map has another layout, and SysError
 * with the verifier's words where the kernel refuses a program.
 */
export function openDatapath(options: DatapathOptions): Datapath {
  const objects = new Objects();
  try {
    const fds = loadMaps(objects, options);
    const names = options.programs ?? PROGRAM_NAMES;
    const programs = Object.fromEntries(names.map((name) => [name, loadProgram(objects, name, options, fds)]));
    return {
      programs: programs as Record<ProgramName, number>,
      maps: typedMaps(fds),
      fds,
      close: () => objects.close(),
    };
  } catch (error) {
    objects.close();
    throw error;
  }
}

/** A program that works with no map. */
export function loadAlone(path: string, name: string): { readonly fd: number; close(): void } {
  const objects = new Objects();
  try {
    const object = objects.load(path, () => undefined);
    return { fd: sys.programFd(sys.objectProgram(object, name)), close: () => objects.close() };
  } catch (error) {
    objects.close();
    throw error;
  }
}
