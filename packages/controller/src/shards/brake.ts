import type { At, Port, SliceId } from "@onehop/core";
import { type Clock, type IntentChange, keys, pause, type Store } from "@onehop/store";

export interface BrakeLimits {
  /** Share of the ports of a VPC, or of a host, above which their going at once is looked at twice. */
  readonly percent: number;
  /** Fewer ports than these are nothing out of the ordinary. */
  readonly least: number;
}
export const BRAKE: BrakeLimits = { percent: 50, least: 20 };

export interface BrakeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly limits: BrakeLimits;
  /** Ports of the VPC, or of the host, that are there now. */
  readonly left: (of: "vpc" | "host", id: string) => number;
  readonly hold: (ids: readonly SliceId[], why: string) => void;
  readonly letGo: (ids: readonly SliceId[]) => void;
  readonly onError?: (error: unknown) => void;
}

/** Between looks at the store while it says otherwise, or nothing. */
const AGAIN_MS = 1000;

/**
 * A brake on mass deletion: where one step of the watch takes away most ports of a VPC or of a host, their slices keep
 * what they have until a list of the store, read anew, says the same. A watch is a hint; the list is the truth.
 */
export class Brake {
  readonly #options: BrakeOptions;
  #held = 0;

  constructor(options: BrakeOptions) {
    this.#options = options;
  }

  /** Steps that wait for a second reading. */
  get held(): number {
    return this.#held;
  }

  /** To be called before the plans take the changes in. */
  look(changes: readonly IntentChange[]): void {
    const gone = changes.flatMap((c) => (c.kind === "port" && c.before && !c.after ? [c.before] : []));
    if (gone.length < this.#options.limits.least) return;
    const ports = [
      ...this.#tooMany("vpc", gone, (port) => port.vpc_id),
      ...this.#tooMany("host", gone, (port) => port.host_id),
    ];
    if (ports.length > 0) void this.#hold(new Set(ports));
  }

  #tooMany(of: "vpc" | "host", gone: readonly At<Port>[], parent: (port: Port) => string | undefined): At<Port>[] {
    const { limits, left } = this.#options;
    const groups = new Map<string, At<Port>[]>();
    for (const port of gone) {
      const id = parent(port);
      if (id !== undefined) groups.set(id, [...(groups.get(id) ?? []), port]);
    }
    return [...groups].flatMap(([id, ports]) => {
      const share = (100 * ports.length) / (ports.length + left(of, id));
      return ports.length >= limits.least && share > limits.percent ? ports : [];
    });
  }

  async #hold(ports: ReadonlySet<At<Port>>): Promise<void> {
    const { clock, signal, hold, letGo, onError } = this.#options;
    const ids = [...new Set([...ports].flatMap(slicesOf))];
    this.#held++;
    hold(ids, `${ports.size} ports seem to be gone at once; hosts keep them until the store was read again.`);
    while (!signal.aborted && !(await this.#agrees(ports).catch(onError))) await pause(clock, AGAIN_MS, signal);
    this.#held--;
    if (!signal.aborted) letGo(ids);
  }

  async #agrees(ports: ReadonlySet<At<Port>>): Promise<boolean> {
    const prefix = keys.objectsOf("ports");
    const { entries } = await this.#options.store.range({ prefix, keysOnly: true });
    const there = new Set(entries.map((entry) => entry.key));
    return [...ports].every(({ id }) => !there.has(`${prefix}${id}`));
  }
}

const slicesOf = ({ network_id, vpc_id, host_id }: Port): SliceId[] => [
  `network/${network_id}`,
  `vpc/${vpc_id}`,
  ...(host_id === undefined ? [] : [`host/${host_id}` as const]),
];
