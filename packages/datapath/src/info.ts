import { kernelOffset } from "./layout.ts";
import * as sys from "./sys.ts";

const info = (fd: number, struct: string): DataView => {
  const bytes = new Uint8Array(kernelOffset(struct, "sizeof"));
  sys.check("object info", sys.objectInfo(fd, bytes, Uint32Array.of(bytes.length)));
  return new DataView(bytes.buffer);
};
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export interface MapInfo {
  readonly id: number;
  readonly type: number;
  readonly key_size: number;
  readonly value_size: number;
  readonly max_entries: number;
  readonly map_flags: number;
}
export function mapInfo(fd: number): MapInfo {
  const view = info(fd, "bpf_map_info");
  const u32 = (field: string): number => view.getUint32(kernelOffset("bpf_map_info", field), LITTLE);
  return {
    id: u32("id"),
    type: u32("type"),
    key_size: u32("key_size"),
    value_size: u32("value_size"),
    max_entries: u32("max_entries"),
    map_flags: u32("map_flags"),
  };
}

export interface ProgramInfo {
  readonly id: number;
  readonly name: string;
  /** Bytes of translated instructions. */
  readonly xlated_prog_len: number;
  readonly jited_prog_len: number;
  /** Instructions the verifier walked through. */
  readonly verified_insns: number;
  /** Nanoseconds and runs; counted only while kernel.bpf_stats_enabled is 1. */
  readonly run_time_ns: bigint;
  readonly run_cnt: bigint;
}
export function programInfo(fd: number): ProgramInfo {
  const view = info(fd, "bpf_prog_info");
  const at = (field: string): number => kernelOffset("bpf_prog_info", field);
  const name = Buffer.from(view.buffer, at("name"), 16);
  return {
    id: view.getUint32(at("id"), LITTLE),
    name: name.toString("latin1").replace(/\0.*$/s, ""),
    xlated_prog_len: view.getUint32(at("xlated_prog_len"), LITTLE),
    jited_prog_len: view.getUint32(at("jited_prog_len"), LITTLE),
    verified_insns: view.getUint32(at("verified_insns"), LITTLE),
    run_time_ns: view.getBigUint64(at("run_time_ns"), LITTLE),
    run_cnt: view.getBigUint64(at("run_cnt"), LITTLE),
  };
}

export interface LinkInfo {
  readonly id: number;
  readonly type: number;
  readonly program_id: number;
  /** 0 where the device is gone. */
  readonly ifindex: number;
}
export function linkInfo(fd: number): LinkInfo {
  const view = info(fd, "bpf_link_info");
  const u32 = (field: string): number => view.getUint32(kernelOffset("bpf_link_info", field), LITTLE);
  // Headers older than TCX do not name tcx.ifindex; it is in the place of xdp.ifindex.
  return { id: u32("id"), type: u32("type"), program_id: u32("prog_id"), ifindex: u32("xdp.ifindex") };
}
