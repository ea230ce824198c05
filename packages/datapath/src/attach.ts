import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { linkInfo, programInfo } from "./info.ts";
import * as sys from "./sys.ts";

/** Attach points of bpf_link_create: what comes into the host from a device. */
const TCX_INGRESS = 46;
const LINK_TYPE_TCX = 11;
/** One filter of ours on a device; replaced in place. */
const FILTER = ["ingress", "protocol", "all", "prio", "1", "handle", "1", "bpf"];

export interface AttachRequest {
  /** File descriptor of a loaded tc program. */
  readonly program: number;
  /** Device of this network namespace. */
  readonly ifindex: number;
  /** Where the link is pinned, on a bpf file system; it outlives this process. */
  readonly pinPath: string;
  /** "auto": TCX, or clsact where the kernel has no TCX. */
  readonly mode?: "auto" | "tcx" | "clsact";
}

export interface Attachment {
  readonly pinPath: string;
  readonly mode: "tcx" | "clsact";
  /** 0 where the device is gone, or not known (clsact). */
  readonly ifindex: number;
  readonly program_id: number;
}

/** Opens what is pinned for the length of `use`; undefined where nothing is. */
function withPinned<T>(path: string, use: (fd: number) => T): T | undefined {
  const fd = sys.objectGet(path);
  if (fd === -sys.ERRNO.ENOENT) return undefined;
  sys.check(`open ${path}`, fd);
  try {
    return use(fd);
  } finally {
    sys.closeFd(fd);
  }
}

/** A pinned object that is no link (the program of a clsact filter) has another shape of info. */
const isLink = (fd: number): boolean => linkInfo(fd).type === LINK_TYPE_TCX;

/** Puts the program in place of the link's former one, with no packet between. */
function replaceLink({ program, ifindex, pinPath }: AttachRequest): boolean {
  const replaced = withPinned(pinPath, (fd) => {
    if (!isLink(fd) || linkInfo(fd).ifindex !== ifindex) return false;
    sys.check(`replace ${pinPath}`, sys.linkUpdate(fd, program, null));
    return true;
  });
  // The pinned link belongs to a device that is gone, or was made again under another number.
  if (replaced === false) rmSync(pinPath);
  return replaced ?? false;
}

function attachTcx(request: AttachRequest): void {
  if (replaceLink(request)) return;
  const { program, ifindex, pinPath } = request;
  const link = sys.check(`attach to device ${ifindex}`, sys.linkCreate(program, ifindex, TCX_INGRESS, null));
  try {
    sys.check(`pin ${pinPath}`, sys.objectPin(link, pinPath));
  } finally {
    sys.closeFd(link);
  }
}

function tc(args: readonly string[]): void {
  execFileSync("tc", args, { stdio: ["ignore", "pipe", "pipe"] });
}

function attachClsact({ program, ifindex, pinPath }: AttachRequest): void {
  const device = sys.deviceName(ifindex);
  if (device === undefined) throw new sys.SysError(`attach to device ${ifindex}`, 19);
  tc(["qdisc", "replace", "dev", device, "clsact"]);
  // tc takes the program by path, so the new one is pinned before the filter is replaced.
  rmSync(pinPath, { force: true });
  sys.check(`pin ${pinPath}`, sys.objectPin(program, pinPath));
  tc(["filter", "replace", "dev", device, ...FILTER, "direct-action", "object-pinned", pinPath]);
}

const NO_TCX = new Set(["EINVAL", "EOPNOTSUPP", "ENOTSUP", "ENOTSUPP"]);

/**
 * Runs the program on everything that comes from the device. Where one of ours is attached already it is replaced in
 * place: no packet meets the device without a program.
 */
export function attach(request: AttachRequest): Attachment {
  const done = (mode: "tcx" | "clsact"): Attachment => {
    const { pinPath, ifindex } = request;
    return { pinPath, mode, ifindex, program_id: programInfo(request.program).id };
  };
  if (request.mode !== "clsact") {
    try {
      attachTcx(request);
      return done("tcx");
    } catch (error) {
      const old = error instanceof sys.SysError && NO_TCX.has(error.code) && error.call.startsWith("attach");
      if (!old || request.mode === "tcx") throw error;
    }
  }
  attachClsact(request);
  return done("clsact");
}

/** Takes the program off again. `ifindex` names the device of a clsact filter; nothing happens where nothing is there. */
export function detach(pinPath: string, ifindex?: number): void {
  const wasLink = withPinned(pinPath, isLink);
  if (wasLink === undefined) return;
  const device = wasLink || ifindex === undefined ? undefined : sys.deviceName(ifindex);
  if (device !== undefined) tc(["filter", "del", "dev", device, ...FILTER]);
  // A TCX link lives as long as its pin.
  rmSync(pinPath, { force: true });
}

/** What is attached by pins of this folder, sorted by path. */
export function listAttachments(folder: string): Attachment[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const pinPath = join(folder, name);
      const found = withPinned(pinPath, (fd): Attachment => {
        if (!isLink(fd)) return { pinPath, mode: "clsact", ifindex: 0, program_id: programInfo(fd).id };
        const { ifindex, program_id } = linkInfo(fd);
        return { pinPath, mode: "tcx", ifindex, program_id };
      });
      return found ? [found] : [];
    });
}

/**
 * Puts other programs in place of all that are attached by pins of this folder, with no packet between; `programOf` is
 * told the pin's name. Links whose device is gone are passed over, and filters of clsact stay as they are.
 */
export function replaceAll(folder: string, programOf: (name: string) => number): void {
  for (const name of readdirSync(folder))
    withPinned(join(folder, name), (fd) => {
      if (!isLink(fd) || linkInfo(fd).ifindex === 0) return;
      sys.check(`replace ${name}`, sys.linkUpdate(fd, programOf(name), null));
    });
}
