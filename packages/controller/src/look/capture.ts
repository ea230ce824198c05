import { PassThrough, type Readable } from "node:stream";
import { CAPTURE_DEFAULTS, CaptureBody, check } from "@onehop/api";
import { FilterError, invalid, parseFilter, type WatchLimits, type WatchPart } from "@onehop/core";
import { refuseBody } from "../api/refusals.ts";
import type { Agents } from "./agents.ts";
import { pcapHead, pcapRecord } from "./pcap.ts";

const checkCapture = check(CaptureBody);
/** Of one capture; what a controller may have to hold for a reader that does not read. */
const MOST_BYTES = 32 << 20;

export interface CaptureRequest {
  readonly limits: WatchLimits;
  readonly filter: string | undefined;
}

/** Throws 400, for a filter with the place where it is none. */
export function captureOf(body: unknown): CaptureRequest {
  refuseBody(checkCapture(body ?? {}));
  const given = (body ?? {}) as { filter?: string; count?: number; seconds?: number; snap?: number };
  const { filter, count, seconds, snap } = { ...CAPTURE_DEFAULTS, ...given };
  const text = filter?.trim() ? filter : undefined;
  try {
    if (text !== undefined) parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) throw invalid("/filter", error.message, FILTER_HINT);
    throw error;
  }
  return { filter: text, limits: { seconds, packets: count, snap, bytes: MOST_BYTES } };
}
const FILTER_HINT =
  "Such as: tcp port 80 and not host 10.0.1.5. Words: and or not host net port src dst tcp udp icmp arp ip.";

/** A capture under way. */
export interface Capture {
  /** A pcap file, as it comes. */
  readonly file: Readable;
  /** Once it has ended. */
  readonly end: () => { readonly why: NonNullable<WatchPart["end"]>; readonly lost: number; readonly packets: number };
  stop(): void;
}

/** Resolves when packets are being watched; throws 503 where the host does not answer. */
export async function startCapture(
  agents: Agents,
  port: { readonly id: string; readonly host_id: string },
  { filter, limits }: CaptureRequest,
): Promise<Capture> {
  const file = new PassThrough({ highWaterMark: MOST_BYTES });
  let [why, lost, packets]: [NonNullable<WatchPart["end"]>, number, number] = ["failed", 0, 0];
  file.write(pcapHead(limits.snap));
  const watch = await agents.watch(port.host_id, {
    want: { kind: "capture", port_id: port.id, ...(filter === undefined ? {} : { filter }) },
    limits,
    onPart: (part) => {
      lost = Math.max(lost, part.lost);
      packets += part.packets.length;
      if (!file.writableEnded) for (const seen of part.packets) file.write(pcapRecord(seen));
      if (!part.end) return;
      why = part.end;
      file.end();
    },
  });
  return { file, end: () => ({ why, lost, packets }), stop: () => watch.stop() };
}
