import {
  ANY,
  actionName,
  className,
  type Datapath,
  names,
  reasonName,
  stageName,
  type WatchedPacket,
  WatchingPrograms,
} from "@onehop/datapath";
import { Constant, Program, Way } from "@onehop/datapath/maps.gen";
import type { Observed, Watching } from "./kernel.ts";
import { microseconds, now } from "./times.ts";

const programName = names<Observed["program"]>(Program);
const wayName = names<Observed["way"]>(Way);
const slotOf = (slot: number): number | undefined => (slot === Constant.NO_SLOT ? undefined : slot);

const observed = (p: WatchedPacket): Observed => ({
  watch: p.watch,
  time: microseconds(p.time),
  way: wayName(p.way),
  program: programName(p.program),
  action: actionName(p.action),
  reason: reasonName(p.reason),
  class: className(p.class),
  stage: stageName(p.stage),
  from: slotOf(p.from),
  to: slotOf(p.to),
  host: p.host,
  length: p.length,
  bytes: p.bytes,
});

type Options = ConstructorParameters<typeof WatchingPrograms>[0];

/** Loads programs that tell; putting them on devices is the caller's, and `onClose` must take them off again. */
export function watchOver(
  options: Options,
  onClose: () => void,
): { readonly programs: Datapath["programs"]; readonly watching: Watching } {
  const loaded = new WatchingPrograms(options);
  let open = true;
  const whileOpen = (step: () => void) => open && step();
  const watching: Watching = {
    set: (index, want, seconds) =>
      whileOpen(() => loaded.set(index, { ...ANY, ...want, until: now() + BigInt(Math.ceil(seconds * 1e9)) })),
    clear: (index) => whileOpen(() => loaded.clear(index)),
    lost: (index) => (open ? loaded.lost(index) : 0),
    drain: (onPacket) => whileOpen(() => loaded.drain((p) => onPacket(observed(p)))),
    takePairs: () => (open ? loaded.takePairs() : []),
    close: () => {
      if (!open) return;
      open = false;
      onClose();
      loaded.close();
    },
  };
  return { programs: loaded.programs, watching };
}
