import { structCodec } from "./codec.ts";
import { RingReader } from "./events.ts";
import { mapInfo } from "./info.ts";
import { Constant, LAYOUT, type Watch, type Watched } from "./maps.gen.ts";
import { type Datapath, type DatapathOptions, OWN_MAPS, openDatapath } from "./object.ts";

/** A packet that a watching program told of. */
export interface WatchedPacket extends Watched {
  /** The packet's first bytes: as it came, or as it was when it had been decided upon. */
  readonly bytes: Uint8Array;
}

export interface PairTraffic {
  readonly vpc: number;
  readonly src: string;
  readonly dst: string;
  readonly packets: number;
  readonly bytes: number;
}

const ANY_IP = "0.0.0.0";
/** Wants every packet. */
export const ANY: Omit<Watch, "until"> = {
  vpc: 0,
  slot: Constant.NO_SLOT,
  src: ANY_IP,
  dst: ANY_IP,
  host: ANY_IP,
  port: 0,
  ethertype: 0,
  id: 0,
  protocol: 0,
  pairs: 0,
  snap: 256,
};

/** Programs that tell of packets, over the maps of those that do not; put in their place while somebody looks. */
export class WatchingPrograms {
  readonly programs: Datapath["programs"];
  readonly #datapath: Datapath;
  readonly #ring: RingReader;

  constructor(options: Pick<DatapathOptions, "objectDir" | "config"> & { readonly live: Datapath }) {
    const { objectDir, config, live } = options;
    const shared = new Map([...live.fds].filter(([symbol]) => !OWN_MAPS.has(symbol)));
    this.#datapath = openDatapath({ objectDir, config: { ...config, watch: 1 }, shared });
    this.programs = this.#datapath.programs;
    const fd = this.#datapath.fds.get(RING)!;
    this.#ring = new RingReader(fd, mapInfo(fd).max_entries);
  }

  /** Begins a watch, or changes it. `until`: nanoseconds of the kernel's monotonic clock. */
  set(index: number, watch: Watch): void {
    this.#datapath.maps.watch_lost.reset(index);
    this.#datapath.maps.watches.set(index, watch);
  }

  clear(index: number): void {
    this.#datapath.maps.watches.clear(index);
  }

  /** Packets that the watch wanted and that found no room. */
  lost(index: number): number {
    return this.#datapath.maps.watch_lost.get(index)?.packets ?? 0;
  }

  /** Calls for every packet that has arrived; returns how many. */
  drain(onPacket: (packet: WatchedPacket) => void): number {
    return this.#ring.drain((view, at) => {
      const head = CODEC.read(view, at);
      const from = view.byteOffset + at + CODEC.size;
      onPacket({ ...head, bytes: Uint8Array.from(new Uint8Array(view.buffer, from, head.captured)) });
    });
  }

  /** Takes what a watch of pairs has counted so far. */
  takePairs(): PairTraffic[] {
    const { pairs } = this.#datapath.maps;
    const counted = [...pairs.entries()].map(([key, count]) => ({ ...key, ...count }));
    for (const key of counted) pairs.delete(key);
    return counted;
  }

  close(): void {
    this.#ring.close();
    this.#datapath.close();
  }
}

const RING = LAYOUT.maps.watched!.symbol;
const CODEC = structCodec<Watched>(LAYOUT, "watched");
