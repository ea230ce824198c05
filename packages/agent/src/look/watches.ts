import {
  type Clock,
  certainOf,
  type DecisionsWant,
  type Filter,
  formatIpv4,
  packet,
  parseFilter,
  passes,
  pause,
  type SeenPacket,
  type WatchLimits,
  type WatchPart,
  type WatchStart,
} from "@onehop/core";
import { Constant } from "@onehop/datapath/maps.gen";
import type { Observed, PairTraffic, Watching } from "../kernel/kernel.ts";
import { base64, type Host, NotHere, portAt, reasonOf } from "./run.ts";

export interface WatchesOptions {
  readonly host: () => Host | undefined;
  readonly clock: Clock;
  readonly send: (part: WatchPart) => void;
}

/** Between looks at the ring. */
const DRAIN_MS = 20;
const MAX_WATCHES = Constant.MAX_WATCHES;

interface Watch {
  readonly id: number;
  readonly limits: WatchLimits;
  readonly filter: Filter | undefined;
  /** Of a capture: the port, and the slot that it had. */
  readonly port: { readonly id: string; readonly slot: number } | undefined;
  readonly ends: number;
  packets: number;
  bytes: number;
  part: SeenPacket[];
}

/**
 * What others watch on this host. While there is a watch, watching programs run in the place of the working ones; when
 * the last one ends, the working ones come back.
 */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #watches = new Map<number, Watch>();
  #watching: Watching | undefined;
  #cancel: () => void = () => undefined;
  #pairs: Promise<PairTraffic[]> | undefined;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** The programs tell when it returns. Throws a sentence where it cannot be. */
  start({ id, want, limits }: WatchStart): void {
    const host = this.#host();
    const slot = want.kind === "capture" ? host.mirror.slots().get(want.port_id) : undefined;
    if (want.kind === "capture" && slot === undefined) throw new NotHere();
    const filter = want.kind === "capture" && want.filter !== undefined ? parseFilter(want.filter) : undefined;
    const wanted = want.kind === "capture" ? captured(host, slot!, filter) : decided(want);
    const index = this.#open(host);
    this.#watching!.set(index, { ...wanted, snap: Math.min(limits.snap, Constant.WATCH_BYTES) }, limits.seconds);
    this.#watches.set(index, {
      id,
      limits,
      filter,
      port: want.kind === "capture" ? { id: want.port_id, slot: slot! } : undefined,
      ends: this.#options.clock.now() + limits.seconds * 1000,
      packets: 0,
      bytes: 0,
      part: [],
    });
  }

  /** Ends the watch with this id, told by its last part. */
  stop(id: number): void {
    this.#drain();
    for (const [index, watch] of this.#watches) if (watch.id === id) this.#end(index, watch, "stopped");
    this.#rest();
  }

  /** Nobody listens any more. */
  stopAll(): void {
    for (const index of this.#watches.keys()) this.#watching?.clear(index);
    this.#watches.clear();
    this.#rest();
  }

  /** Counts who sends to whom for a while; whoever asks meanwhile gets the same answer. */
  pairs(seconds: number): Promise<PairTraffic[]> {
    this.#pairs ??= this.#countPairs(seconds).finally(() => {
      this.#pairs = undefined;
      this.#rest();
    });
    return this.#pairs;
  }

  async #countPairs(seconds: number): Promise<PairTraffic[]> {
    const index = this.#open(this.#host());
    const watching = this.#watching!;
    watching.takePairs();
    watching.set(index, { pairs: 1 }, seconds);
    this.#watches.set(index, PAIRS);
    await pause(this.#options.clock, seconds * 1000);
    this.#watches.delete(index);
    watching.clear(index);
    return watching.takePairs();
  }

  #host(): Host {
    const host = this.#options.host();
    if (!host) throw new Error("the agent has no plan yet");
    return host;
  }

  /** A free number, with watching programs in place. */
  #open(host: Host): number {
    const index = Array.from({ length: MAX_WATCHES }, (_, i) => i).find((i) => !this.#watches.has(i));
    if (index === undefined) throw new Error(`${MAX_WATCHES} others watch on this host already`);
    if (!this.#watching) {
      this.#watching = host.kernel.openWatch();
      this.#later();
    }
    return index;
  }

  #later(): void {
    this.#cancel = this.#options.clock.after(DRAIN_MS, () => {
      this.#drain();
      this.#rest();
      if (this.#watching) this.#later();
    });
  }

  #drain(): void {
    const host = this.#options.host();
    this.#watching?.drain((seen) => host && this.#take(seen, host));
    for (const [index, watch] of this.#watches) {
      if (watch === PAIRS) continue;
      if (this.#options.clock.now() >= watch.ends) this.#end(index, watch, "seconds");
      else if (watch.part.length > 0) this.#tell(index, watch);
    }
  }

  #take(seen: Observed, { mirror }: Host): void {
    const watch = this.#watches.get(seen.watch);
    if (!watch || watch === PAIRS) return;
    // The slot may be another tenant's by now.
    if (watch.port && portAt(mirror, watch.port.slot) !== watch.port.id) {
      this.#end(seen.watch, watch, "failed");
      return;
    }
    if (!isAbout(seen, watch) || (watch.filter && !passes(watch.filter, packet.decode(seen.bytes)))) return;
    watch.part.push(seenPacket(seen, mirror));
    watch.packets++;
    watch.bytes += seen.bytes.length;
    if (watch.packets >= watch.limits.packets) this.#end(seen.watch, watch, "packets");
    else if (watch.bytes >= watch.limits.bytes) this.#end(seen.watch, watch, "bytes");
  }

  #tell(index: number, { id, part }: Watch, end?: WatchPart["end"]): void {
    const lost = this.#watching?.lost(index) ?? 0;
    this.#options.send({ type: "watched", id, packets: part.splice(0), lost, ...(end ? { end } : {}) });
  }

  #end(index: number, watch: Watch, why: NonNullable<WatchPart["end"]>): void {
    this.#tell(index, watch, why);
    this.#forget(index);
  }

  #forget(index: number): void {
    this.#watching?.clear(index);
    this.#watches.delete(index);
  }

  #rest(): void {
    if (this.#watches.size > 0 || this.#pairs || !this.#watching) return;
    this.#cancel();
    this.#watching.close();
    this.#watching = undefined;
  }
}

/** In the place of a watch: counts, and tells nothing. */
const PAIRS = { id: 0 } as Watch;

const captured = ({ kernel }: Host, slot: number, filter: Filter | undefined) => {
  const { host, ...certain } = certainOf(filter);
  return { ...certain, slot, vpc: kernel.get("endpoints", slot)?.vpc ?? 0, host: formatIpv4(host) };
};

const decided = ({ vpc, src, dst, ethertype, id }: DecisionsWant) => ({ vpc, src, dst, ethertype, id });

/** A capture shows what the guest sent, once, and what it gets; the others want to know what was decided. */
function isAbout({ way, action, from, to, stage }: Observed, { port }: Watch): boolean {
  if (!port) return way === "went";
  if (way === "came") return from === port.slot;
  if (action === "guest") return to === port.slot;
  return from === port.slot && (action === "reply" || TOO_EARLY.has(stage));
}
/** What ends here has not been told of when it came. */
const TOO_EARLY: ReadonlySet<string> = new Set(["endpoint", "parse"]);

function seenPacket(seen: Observed, mirror: Host["mirror"]): SeenPacket {
  const [from_port, to_port, reason] = [portAt(mirror, seen.from), portAt(mirror, seen.to), reasonOf(seen.reason)];
  return {
    time: seen.time,
    program: seen.program,
    action: seen.action,
    ...(reason ? { reason } : {}),
    class: seen.class,
    stage: seen.stage,
    ...(from_port === undefined ? {} : { from_port }),
    ...(to_port === undefined ? {} : { to_port }),
    ...(seen.host ? { to_host: seen.host } : {}),
    length: seen.length,
    frame: base64(seen.bytes),
  };
}
