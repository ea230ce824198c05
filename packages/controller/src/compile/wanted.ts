import type { SliceId } from "@onehop/core";

/** Which hosts are interested in which slices, as a relation that is read from both ends. */
export class Wanted {
  readonly #byHost = new Map<string, ReadonlySet<SliceId>>();
  readonly #hosts = new Map<SliceId, Set<string>>();

  /** Slices of the host's plan; none: it has no plan. */
  by(hostId: string): ReadonlySet<SliceId> {
    return this.#byHost.get(hostId) ?? NO_SLICES;
  }
  hostsOf(id: SliceId): ReadonlySet<string> {
    return this.#hosts.get(id) ?? NO_HOSTS;
  }
  /** Every slice that some host wants. */
  all(): Iterable<SliceId> {
    return this.#hosts.keys();
  }
  hosts(): Iterable<string> {
    return this.#byHost.keys();
  }

  /** Answers the slices that somebody began to want, or nobody wants any more. */
  set(hostId: string, slices: ReadonlySet<SliceId>): SliceId[] {
    const before = this.by(hostId);
    const moved: SliceId[] = [];
    for (const id of before) if (!slices.has(id) && this.#leave(id, hostId)) moved.push(id);
    for (const id of slices) if (!before.has(id) && this.#join(id, hostId)) moved.push(id);
    if (slices.size > 0) this.#byHost.set(hostId, slices);
    else this.#byHost.delete(hostId);
    return moved;
  }

  #join(id: SliceId, hostId: string): boolean {
    const hosts = this.#hosts.get(id);
    if (hosts) hosts.add(hostId);
    else this.#hosts.set(id, new Set([hostId]));
    return !hosts;
  }

  #leave(id: SliceId, hostId: string): boolean {
    const hosts = this.#hosts.get(id);
    hosts?.delete(hostId);
    return hosts?.size === 0 && this.#hosts.delete(id);
  }
}

const NO_SLICES: ReadonlySet<SliceId> = new Set();
const NO_HOSTS: ReadonlySet<string> = new Set();
