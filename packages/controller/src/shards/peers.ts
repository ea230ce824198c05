import { CLOSE, type Link } from "@onehop/core";
import { type Clock, keys, type Store } from "@onehop/store";
import type { MemberEntry, Roster } from "./roster.ts";

/** Opens a stream to another controller; events may come as soon as it is listened to. */
export type DialMember = (address: string) => Link;

export interface PeersOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly roster: Roster;
  readonly self: { readonly name: string; readonly incarnation: string };
  readonly dial: DialMember;
  readonly onError?: (error: unknown) => void;
}

const PING_MS = 1000;
/** After a connection that failed in a way that proves nothing. */
const REDIAL_MS = 500;
/** What a machine says of an address at which no process listens. */
const NOBODY = new Set(["ECONNREFUSED", "ENOENT"]);

/** One other controller, and our connection to it. */
interface Peer {
  readonly member: MemberEntry;
  /** It was this very process that answered: should nobody listen there any more, it is dead. */
  answered: boolean;
  link: Link | undefined;
  cancel: () => void;
}

/**
 * Connections to all other controllers, which only serve to notice their end: a process that was killed drops them, and
 * its shards are taken over at once rather than when its lease ends.
 */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #guests = new Set<Link>();
  #ended = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Follows the roster. */
  update(): void {
    const { roster, self } = this.#options;
    for (const [name, peer] of this.#peers) {
      if (roster.members.get(name)?.incarnation === peer.member.incarnation) continue;
      this.#peers.delete(name);
      drop(peer);
    }
    for (const member of roster.members.values()) {
      if (this.#ended || member.name === self.name || this.#peers.has(member.name)) continue;
      const peer: Peer = { member, answered: false, link: undefined, cancel: () => undefined };
      this.#peers.set(member.name, peer);
      this.#dial(peer);
    }
  }

  /** A connection of another controller: it hears who we are. */
  accept(link: Link): void {
    this.#guests.add(link);
    link.listen({
      frame: () => link.close(CLOSE.badFrame),
      ping: () => link.pong(),
      closed: () => this.#guests.delete(link),
    });
    link.send(JSON.stringify(this.#options.self));
  }

  end(): void {
    this.#ended = true;
    for (const peer of this.#peers.values()) drop(peer);
    for (const link of this.#guests) link.close(CLOSE.goingAway);
    this.#peers.clear();
  }

  #dial(peer: Peer): void {
    const { dial, clock } = this.#options;
    const isCurrent = () => this.#peers.get(peer.member.name) === peer;
    if (!isCurrent()) return;
    const link = dial(peer.member.agent_address);
    peer.link = link;
    let opened = false;
    let nobody = false;
    link.listen({
      opened: () => {
        opened = true;
        this.#ping(peer, link);
      },
      frame: (frame) => {
        if (incarnationOf(frame) === peer.member.incarnation) peer.answered = true;
        else link.close(CLOSE.badFrame);
      },
      failed: (error) => {
        nobody = NOBODY.has((error as NodeJS.ErrnoException).code ?? "");
      },
      closed: () => {
        peer.cancel();
        if (!isCurrent()) return;
        if (nobody && peer.answered) void this.#bury(peer.member);
        // One that ended may have been killed: it is asked at once whether anybody is there.
        peer.cancel = clock.after(opened && peer.answered ? 0 : REDIAL_MS, () => this.#dial(peer));
      },
    });
  }

  /** So that a connection of which the other end is gone breaks. A peer that hangs is not dead: its lease decides. */
  #ping(peer: Peer, link: Link): void {
    link.ping();
    peer.cancel = this.#options.clock.after(PING_MS, () => this.#ping(peer, link));
  }

  async #bury({ name, revision }: MemberEntry): Promise<void> {
    const { store, onError } = this.#options;
    const key = keys.member(name);
    try {
      await store.txn({ compare: [{ key, mod_revision: revision }], then: [{ delete: key }] });
    } catch (error) {
      onError?.(error);
    }
  }
}

function drop(peer: Peer): void {
  peer.cancel();
  peer.link?.terminate();
}

function incarnationOf(frame: string | Uint8Array): string | undefined {
  try {
    return (JSON.parse(String(frame)) as { incarnation?: string }).incarnation;
  } catch {
    return undefined;
  }
}
