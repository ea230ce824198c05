import { structCodec } from "./codec.ts";
import { mapInfo } from "./info.ts";
import { EVENT_STRUCTS } from "./layout.ts";
import { type DropEvent, LAYOUT } from "./maps.gen.ts";
import * as sys from "./sys.ts";

/** Record header (linux/bpf.h, BPF_RINGBUF_*): length with two flags, then 4 bytes of the kernel's own. */
const HEADER = 8;
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const align8 = (n: number): number => (n + 7) & ~7;

/**
 * A ring buffer read from memory shared with the kernel: no system call, no callback from another thread. Positions are
 * read with Atomics, because programs on other CPUs write them.
 */
export class RingReader {
  private readonly consumer: sys.Mapping;
  private readonly producer: sys.Mapping;
  private readonly consumed: BigUint64Array;
  private readonly produced: BigUint64Array;
  private readonly lengths: Int32Array;
  private readonly view: DataView;
  private readonly size: number;
  private closed = false;

  /** `size`: max_entries of the map, bytes. */
  constructor(fd: number, size: number) {
    const page = sys.pageSize();
    this.size = size;
    this.consumer = sys.mapMemory(fd, { offset: 0, length: page, access: "read-write" });
    // The data is mapped twice in a row, so a record that wraps is read in one piece.
    this.producer = sys.mapMemory(fd, { offset: page, length: page + 2 * size, access: "read" });
    this.consumed = new BigUint64Array(this.consumer.bytes, 0, 1);
    this.produced = new BigUint64Array(this.producer.bytes, 0, 1);
    this.lengths = new Int32Array(this.producer.bytes, page, (2 * size) / 4);
    this.view = new DataView(this.producer.bytes, page, 2 * size);
  }

  /** Calls for every complete record; the bytes are valid during the call only. Returns how many there were. */
  drain(onRecord: (view: DataView, at: number) => void): number {
    if (this.closed) return 0;
    let records = 0;
    let position = Atomics.load(this.consumed, 0);
    const end = Atomics.load(this.produced, 0);
    while (position < end) {
      const at = Number(position & BigInt(this.size - 1));
      const header = Atomics.load(this.lengths, at / 4) >>> 0;
      if (header & BUSY) break;
      if (!(header & DISCARDED)) {
        onRecord(this.view, at + HEADER);
        records++;
      }
      position += BigInt(align8(HEADER + (header & ~(BUSY | DISCARDED))));
      Atomics.store(this.consumed, 0, position);
    }
    return records;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.consumer.unmap();
    this.producer.unmap();
  }
}

export interface EventReader {
  /** Calls for every event that has arrived; returns how many. */
  drain(onEvent: (event: DropEvent) => void): number;
  close(): void;
}

/** The events of a datapath (`fds` of openDatapath). One reader at a time: events are taken, not copied. */
export function openEvents(fds: ReadonlyMap<string, number>): EventReader {
  const symbol = LAYOUT.maps.events!.symbol;
  const fd = fds.get(symbol);
  if (fd === undefined) throw new Error(`there is no map ${symbol}`);
  const codec = structCodec<DropEvent>(LAYOUT, EVENT_STRUCTS[symbol]!);
  const ring = new RingReader(fd, mapInfo(fd).max_entries);
  return {
    drain: (onEvent) => ring.drain((view, at) => onEvent(codec.read(view, at))),
    close: () => ring.close(),
  };
}

/**
 * Hands over events until the signal aborts. A timer that looks at shared memory costs less than a thread waiting in
 * epoll, which would hold one of Node's four file-system threads for each agent of the process.
 */
export function readEvents(
  fds: ReadonlyMap<string, number>,
  onEvent: (event: DropEvent) => void,
  { signal, interval_ms = 50 }: { readonly signal: AbortSignal; readonly interval_ms?: number },
): void {
  if (signal.aborted) return;
  const reader = openEvents(fds);
  const timer = setInterval(() => reader.drain(onEvent), interval_ms);
  timer.unref();
  signal.addEventListener(
    "abort",
    () => {
      clearInterval(timer);
      reader.close();
    },
    { once: true },
  );
}
