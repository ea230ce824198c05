import type { At, Host } from "@onehop/core";
import type { Peer } from "@onehop/datapath/maps.gen";
import type { Moment } from "./moments.ts";
import { ALWAYS, type Region } from "./region.ts";

const QUIET = {
  ...{ probed: 0n, first: 0n, silent_since: 0n, held_until: 0n },
  ...{ nonce: 0, tries: 0, open: 0, falls: 0, silent: 0, vpc: 0 },
};
const HEARD: Peer = { heard: ALWAYS, answered: ALWAYS, ...QUIET };
const UNHEARD: Peer = { heard: 0n, answered: 0n, ...QUIET };

/** What every host vouches by; lessons with another are not vouched for. */
const ROSTER = 1;

/** What packets and messages write into the hosts' maps, as a moment has it: packets are tried one by one, each anew. */
export class Memory {
  readonly #region: Region;
  readonly #moment: Moment;
  readonly #hosts: readonly At<Host>[];

  constructor(region: Region, moment: Moment) {
    this.#region = region;
    this.#moment = moment;
    this.#hosts = [...moment.intent.hosts.values()];
  }

  /** Every host knows what the moment says. */
  write(): void {
    for (const host of this.#hosts) {
      if (host.kind !== "onehop") continue;
      const { learned, questions, unknowns, moved, vouched } = this.#region.maps(host.id);
      for (const [key] of [...learned]) learned.delete(key);
      for (const [key] of [...questions]) questions.delete(key);
      for (const [key] of [...unknowns]) unknowns.delete(key);
      for (const [key] of [...moved]) moved.delete(key);
      for (const [key] of [...vouched]) vouched.delete(key);
      this.#lessons(host);
      this.#gaps(host);
      this.hear(host.id);
    }
  }

  /** The host heard of all others just now, or of none. */
  hear(hostId: string): void {
    const unheard = [...this.#moment.known.values()].some((k) => k.unheard);
    for (const { number } of this.#hosts) this.#region.maps(hostId).peers.set(number, unheard ? UNHEARD : HEARD);
  }

  /** One address, at a host where it was asked about. */
  forget(hostId: string, vpc: number, address: string): void {
    const { learned, questions, unknowns } = this.#region.maps(hostId);
    const key = { vpc, address };
    questions.delete(key);
    unknowns.delete(key);
    const lesson = this.#lesson(hostId, vpc, address);
    if (lesson) learned.set(key, lesson);
    else learned.delete(key);
  }

  #lesson(hostId: string, vpc: number, address: string) {
    const { intent, known } = this.#moment;
    const vpcId = [...intent.vpcs.values()].find((v) => v.vni === vpc)!.id;
    const { epoch, learned } = known.get(vpcId)!;
    const lesson = learned.get(`${hostId} ${address}`);
    if (!lesson) return undefined;
    const { host, port, revision, fresh } = lesson;
    // Asked itself, or vouched for: it comes to the same.
    const roster = fresh && revision % 2 === 0 ? ROSTER : 0;
    return {
      ...{ host: intent.hosts.get(host)!.number, port, used: ALWAYS, asked: fresh && !roster ? ALWAYS : 0n },
      ...{ roster, packets: 0, taught: 0n, since: 0n, claim: { revision, epoch, sequence: 0 } },
    };
  }

  #lessons(host: At<Host>): void {
    const { intent, known } = this.#moment;
    const { learned, moved, vouched } = this.#region.maps(host.id);
    for (const [vpcId, knowledge] of known) {
      const vpc = intent.vpcs.get(vpcId)!.vni;
      for (const { number } of this.#hosts)
        vouched.set({ vpc, host: number }, { asked: ALWAYS, again: 0n, roster: ROSTER });
      for (const text of knowledge.learned.keys()) {
        const [learner, address] = text.split(" ") as [string, string];
        if (learner === host.id) learned.set({ vpc, address }, this.#lesson(learner, vpc, address)!);
      }
      if (!knowledge.hubs.has(host.id)) continue;
      for (const [address, former] of knowledge.former)
        moved.set({ vpc, address }, { until: ALWAYS, former: intent.hosts.get(former)!.number });
    }
  }

  /** A hub that lacks ports lacks their addresses. */
  #gaps(host: At<Host>): void {
    const { intent, known } = this.#moment;
    for (const [vpcId, { doubtful }] of known)
      for (const portId of doubtful.get(host.id) ?? []) {
        const vpc = intent.vpcs.get(vpcId)!.vni;
        const port = intent.ports.get(portId)!;
        for (const address of port.addresses) this.#region.maps(host.id).destinations.delete({ vpc, address });
      }
  }
}
