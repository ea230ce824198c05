/**
 * libbpf and libc through koffi; nothing else in onehop uses it, so an addon could replace this file. Functions return
 * what C returns (negative errno of libbpf 1.x); `check` turns that into an Error with a name. The libraries are loaded
 * on the first call, so types and codecs can be used where there is no libbpf.
 */
import { constants } from "node:os";
import koffi, { type LibraryHandle } from "koffi";

/** An address in this process; null is NULL. */
export type Pointer = bigint | null;
/** Memory handed to C for the length of one call. */
export type Memory = Uint8Array | Uint32Array | BigUint64Array | bigint | null;

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** A refused call: `code` is the errno's name ("ENOENT"), `log` what libbpf and the verifier said. */
export class SysError extends Error {
  readonly code: string;
  readonly call: string;
  readonly log: string;
  constructor(call: string, errno: number, log = "") {
    // The kernel's ENOTSUPP has no name in libc.
    const code = ERRNO_NAMES.get(errno) ?? (errno === 524 ? "ENOTSUPP" : `errno ${errno}`);
    super(log ? `${call}: ${code}\n${log}` : `${call}: ${code}`);
    this.name = "SysError";
    this.code = code;
    this.call = call;
    this.log = log;
  }
}

/** The result, where it is not negative; else throws SysError. */
export function check(call: string, result: number): number {
  if (result < 0) throw new SysError(call, -result);
  return result;
}

export const ERRNO = { ENOENT: constants.errno.ENOENT, ENOSPC: constants.errno.ENOSPC } as const;

const PACKAGES: Readonly<Record<string, string>> = { "libbpf.so.1": "libbpf1", "libc.so.6": "libc6" };
const loaded = new Map<string, LibraryHandle>();

function library(name: string): LibraryHandle {
  let handle = loaded.get(name);
  if (!handle) {
    try {
      handle = koffi.load(name);
    } catch (error) {
      throw new Error(`${name} cannot be loaded: apt-get install ${PACKAGES[name]}`, { cause: error });
    }
    loaded.set(name, handle);
  }
  return handle;
}

function lazy<F extends (...args: never[]) => unknown>(name: string, definition: string): F {
  let bound: ((...args: unknown[]) => unknown) | undefined;
  const call = (...args: unknown[]): unknown => {
    bound ??= library(name).func(definition);
    return bound(...args);
  };
  return call as unknown as F;
}
const bpf = <F extends (...args: never[]) => unknown>(definition: string): F => lazy<F>("libbpf.so.1", definition);
const libc = <F extends (...args: never[]) => unknown>(definition: string): F => lazy<F>("libc.so.6", definition);

type Elem = (fd: number, key: Memory, value: Memory) => number;
type Batch = (fd: number, keys: Memory, values: Memory, count: Uint32Array, opts: null) => number;

/** Maps by file descriptor. Sizes of keys and values are the map's; nobody checks them. */
export const mapUpdate = bpf<(fd: number, key: Memory, value: Memory, flags: number) => number>(
  "int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)",
);
export const mapLookup = bpf<Elem>("int bpf_map_lookup_elem(int fd, const void *key, void *value)");
export const mapDelete = bpf<(fd: number, key: Memory) => number>("int bpf_map_delete_elem(int fd, const void *key)");
export const mapUpdateBatch = bpf<Batch>(
  "int bpf_map_update_batch(int fd, const void *keys, const void *values, void *count, const void *opts)",
);
const lookupBatch = bpf<
  (fd: number, from: Memory, to: Memory, keys: Memory, values: Memory, count: Uint32Array, opts: null) => number
>(
  "int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, void *count, const void *opts)",
);
/** Where a batch starts (null: the first), where the next does, and room for what it holds. */
export interface LookupBatch {
  readonly from: Uint8Array | null;
  readonly to: Uint8Array;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  /** In: room, out: number read. */
  readonly count: Uint32Array;
}
export const mapLookupBatch = (fd: number, b: LookupBatch): number =>
  lookupBatch(fd, b.from, b.to, b.keys, b.values, b.count, null);

/** Pins, links and what the kernel says of an object. */
export const objectPin = bpf<(fd: number, path: string) => number>("int bpf_obj_pin(int fd, const char *path)");
export const objectGet = bpf<(path: string) => number>("int bpf_obj_get(const char *path)");
export const objectInfo = bpf<(fd: number, info: Memory, length: Uint32Array) => number>(
  "int bpf_obj_get_info_by_fd(int fd, void *info, void *info_len)",
);
export const linkCreate = bpf<(program: number, ifindex: number, type: number, opts: null) => number>(
  "int bpf_link_create(int prog_fd, int target_fd, int attach_type, const void *opts)",
);
export const linkUpdate = bpf<(link: number, program: number, opts: null) => number>(
  "int bpf_link_update(int link_fd, int new_prog_fd, const void *opts)",
);
export const possibleCpus = bpf<() => number>("int libbpf_num_possible_cpus(void)");

/** Object files. Pointers live until `objectClose`. */
export const objectOpen = bpf<(path: string, opts: null) => Pointer>(
  "void *bpf_object__open_file(const char *path, const void *opts)",
);
export const objectLoad = bpf<(object: Pointer) => number>("int bpf_object__load(void *object)");
export const objectClose = bpf<(object: Pointer) => void>("void bpf_object__close(void *object)");
export const objectMap = bpf<(object: Pointer, name: string) => Pointer>(
  "void *bpf_object__find_map_by_name(void *object, const char *name)",
);
export const objectProgram = bpf<(object: Pointer, name: string) => Pointer>(
  "void *bpf_object__find_program_by_name(void *object, const char *name)",
);
export const objectBtf = bpf<(object: Pointer) => Pointer>("void *bpf_object__btf(void *object)");
export const mapFd = bpf<(map: Pointer) => number>("int bpf_map__fd(void *map)");
export const mapReuseFd = bpf<(map: Pointer, fd: number) => number>("int bpf_map__reuse_fd(void *map, int fd)");
export const mapSetMaxEntries = bpf<(map: Pointer, entries: number) => number>(
  "int bpf_map__set_max_entries(void *map, uint32_t max_entries)",
);
export const mapInitialValue = bpf<(map: Pointer, size: BigUint64Array) => Pointer>(
  "void *bpf_map__initial_value(void *map, void *size)",
);
export const programFd = bpf<(program: Pointer) => number>("int bpf_program__fd(void *program)");
export const btfFind = bpf<(btf: Pointer, name: string, kind: number) => number>(
  "int btf__find_by_name_kind(void *btf, const char *name, uint32_t kind)",
);
export const btfType = bpf<(btf: Pointer, id: number) => Pointer>("void *btf__type_by_id(void *btf, uint32_t id)");
export const btfName = bpf<(btf: Pointer, offset: number) => string>(
  "const char *btf__name_by_offset(void *btf, uint32_t offset)",
);

export const closeFd = libc<(fd: number) => number>("int close(int fd)");
export const pageSize = libc<() => number>("int getpagesize(void)");
const mmap = libc<(at: null, length: number, prot: number, flags: number, fd: number, offset: number) => bigint>(
  "void *mmap(void *at, size_t length, int prot, int flags, int fd, int64_t offset)",
);
const munmap = libc<(at: bigint, length: number) => number>("int munmap(void *at, size_t length)");
const indexToName = libc<(index: number, name: Uint8Array) => Pointer>(
  "void *if_indextoname(unsigned int index, void *name)",
);
const format = libc<(to: Uint8Array, size: number, format: string, args: bigint) => number>(
  "int vsnprintf(void *to, size_t size, const char *format, void *args)",
);

/** Name of a device of this network namespace, or undefined where there is none. */
export function deviceName(ifindex: number): string | undefined {
  const name = Buffer.alloc(16);
  return indexToName(ifindex, name) === null ? undefined : name.toString("latin1", 0, name.indexOf(0));
}

/** Memory shared with the kernel; do not touch `bytes` after unmap. */
export interface Mapping {
  readonly bytes: ArrayBuffer;
  unmap(): void;
}
const PROT = { read: 1, "read-write": 3 } as const;
const MAP_SHARED = 1;
export interface MapRequest {
  readonly offset: number;
  readonly length: number;
  readonly access: keyof typeof PROT;
}
export function mapMemory(fd: number, { offset, length, access }: MapRequest): Mapping {
  const at = mmap(null, length, PROT[access], MAP_SHARED, fd, offset);
  if (BigInt.asIntN(64, at) === -1n) throw new SysError("mmap", koffi.errno());
  return { bytes: koffi.view(at, length), unmap: () => munmap(at, length) };
}

/** Memory with a fixed address, for the life of the process. */
export interface Fixed {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}
export function fixedMemory(size: number): Fixed {
  const address = koffi.alloc("uint8_t", size) as bigint;
  const buffer = koffi.view(address, size);
  const bytes = new Uint8Array(buffer).fill(0);
  return { address, bytes, view: new DataView(buffer) };
}

/** Memory that C owns. */
export const viewOf = (at: Pointer, length: number): DataView => new DataView(koffi.view(at, length));

const TEST_RUN = {
  sz: "size_t",
  data_in: "void *",
  data_out: "void *",
  data_size_in: "uint32_t",
  data_size_out: "uint32_t",
  ctx_in: "void *",
  ctx_out: "void *",
  ctx_size_in: "uint32_t",
  ctx_size_out: "uint32_t",
  retval: "uint32_t",
  repeat: "int",
  duration: "uint32_t",
  flags: "uint32_t",
  cpu: "uint32_t",
  batch_size: "uint32_t",
} as const;
const testRunOpts = koffi.struct("bpf_test_run_opts", TEST_RUN);
/** struct bpf_test_run_opts (bpf/bpf.h): filled by its user. */
export const TEST_RUN_SIZE = koffi.sizeof(testRunOpts);
export const testRunOffset = (field: keyof typeof TEST_RUN): number => koffi.offsetof(testRunOpts, field);
export const programTestRun = bpf<(program: number, opts: bigint) => number>(
  "int bpf_prog_test_run_opts(int prog_fd, void *opts)",
);

const setPrint = bpf<(printer: bigint | null) => Pointer>("void *libbpf_set_print(void *printer)");
const printType = koffi.pointer(koffi.proto("int OnehopPrint(int level, const char *format, void *args)"));
const WARN = 0;
/** libbpf keeps up to 16 MiB of the verifier's words; the last lines say what is wrong. */
const LOG_ROOM = 1 << 25;
const LOG_LINES = 60;

/**
 * Runs an action of libbpf; what libbpf and the verifier say goes into the error instead of to stderr. `action` returns
 * as C does: negative errno or a pointer, null with errno set.
 */
export function logged<T extends number | Pointer>(call: string, action: () => T): NonNullable<T> {
  const lines: string[] = [];
  const print = (level: number, text: string, args: bigint): number => {
    if (level !== WARN) return 0;
    const buffer = Buffer.allocUnsafeSlow(LOG_ROOM);
    const length = Math.min(format(buffer, LOG_ROOM, text, args), LOG_ROOM - 1);
    lines.push(...buffer.toString("utf8", 0, length).split("\n"));
    return 0;
  };
  const printer = koffi.register(print, printType);
  const before = setPrint(printer);
  try {
    const result = action();
    const errno = result === null ? koffi.errno() : typeof result === "number" && result < 0 ? -result : 0;
    if (errno !== 0) throw new SysError(call, errno, lines.filter(Boolean).slice(-LOG_LINES).join("\n"));
    return result as NonNullable<T>;
  } finally {
    setPrint(before);
    koffi.unregister(printer);
  }
}
