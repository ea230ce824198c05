import {
  type At,
  CLOSE,
  type FromAgent,
  type Hello,
  type Host,
  type Intent,
  type Lessons,
  type Link,
  type Members,
  PROTOCOL_VERSION,
  type Question,
  type Refused,
  type SliceId,
  type Verdicts,
} from "@onehop/core";
import type { Clock } from "@onehop/store";
import { type Plans, partsOf } from "../compile/index.ts";
import { type Agents, type RemoteWatch, unanswered, type WatchRequest } from "../look/agents.ts";
import { Frames } from "./frames.ts";
import { parseFromAgent } from "./from_agent.ts";
import { type Said, Session } from "./session.ts";
import { Traffic } from "./traffic.ts";

export interface PublisherOptions {
  readonly plans: Plans;
  readonly intent: Intent;
  readonly clock: Clock;
  /** Of a slice that this controller owns; undefined: it does not. */
  readonly epochOf: (id: SliceId) => number | undefined;
  /** All controllers that live. */
  readonly members: () => Members;
  /** Whether this controller is known to be in touch with the store: what it says is so now. */
  readonly sure: () => boolean;
  /** Whether what a host holds is more than is known of the store: it is to come back. Undefined: an unknown host. */
  readonly doubts: (hello: Hello, host: At<Host> | undefined) => boolean;
  /** Takes hosts' reports, and hears of streams that began and ended. */
  readonly reports: {
    opened(hostId: string): void;
    put(hostId: string, said: Said): void;
    closed(hostId: string): void;
  };
  /** Judges what an agent learned. */
  readonly confirm: (lessons: Lessons, host: At<Host>) => Promise<Verdicts>;
  /** A slice changed: how many hosts were told of it, of how many that are interested. */
  readonly onFanOut?: (told: number, interested: number) => void;
  /** A stream did what it must not; it is closed. */
  readonly onError?: (error: unknown) => void;
}

/** Why a host is not to be served by this stream, as a sentence; undefined: it is. */
export type Admit = (hello: Hello, host: At<Host>) => string | undefined;

/** All agents' streams: a slice that changed goes to the hosts that are interested in it, and to nobody else. */
export class Publisher implements Agents {
  readonly traffic = new Traffic();
  readonly #sessions = new Map<string, Session>();
  readonly #frames = new Frames();
  /** What was told last of each slice. */
  readonly #published = new Map<SliceId, string>();
  readonly #refusals = new Map<string, string>();
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Why the host was last refused here; undefined: it was not, or was served since. */
  refusalOf(hostId: string): string | undefined {
    return this.#refusals.get(hostId);
  }
  get connected(): number {
    return this.#sessions.size;
  }
  /** Whether the host has a stream to this controller. */
  serves(hostId: string): boolean {
    return this.#sessions.has(hostId);
  }

  /** A stream that an agent opened. */
  accept(link: Link, admit: Admit = () => undefined): void {
    let session: Session | undefined;
    let greeted = false;
    const receive = (message: FromAgent): boolean => {
      if (greeted) this.#receive(session, message);
      else if (message.type === "hello") session = this.#greet(link, message, admit);
      else return false;
      greeted = true;
      return true;
    };
    link.listen({
      frame: (frame) => {
        const message = typeof frame === "string" ? parseFromAgent(frame) : undefined;
        if (message && receive(message)) return;
        this.#options.onError?.(new Error(`${session?.hostId ?? "somebody"} sent a frame that no agent sends`));
        link.close(CLOSE.badFrame);
      },
      ping: () => this.#options.sure() && link.pong(),
      pong: () => session?.heard(),
      closed: () => session && this.#ended(session),
      failed: (error) => this.#options.onError?.(error),
    });
  }

  /** Sends what is new of the slice to whoever is interested. Returns how many hosts were told. */
  publish(id: SliceId): number {
    const { plans, epochOf, onFanOut } = this.#options;
    const [kind, hostId] = partsOf(id);
    if (kind === "host") this.#replanned(hostId);
    const epoch = epochOf(id);
    const slice = epoch === undefined ? undefined : plans.slice(id);
    if (!slice) return this.#forget(id);
    const word = `${epoch} ${slice.hash}`;
    if (this.#published.get(id) === word) return 0;
    this.#published.set(id, word);
    let told = 0;
    const interested = plans.hostsOf(id);
    for (const host of interested) {
      const session = this.#sessions.get(host);
      if (!session) continue;
      session.offer([id]);
      told++;
    }
    onFanOut?.(told, interested.size);
    return told;
  }

  /** These are owned here from now on. */
  gained(ids: ReadonlySet<SliceId>): void {
    for (const session of this.#interested(ids)) session.gained(ids);
  }
  /** These are owned here no more. */
  released(ids: ReadonlySet<SliceId>): void {
    for (const session of this.#interested(ids)) session.released(ids);
    for (const id of ids) this.#forget(id);
  }
  /** Others live now. */
  introduce(): void {
    const members = this.#options.members();
    for (const session of this.#sessions.values()) session.introduce(members);
  }

  async ask(hostId: string, question: Question): Promise<unknown> {
    return this.#session(hostId).ask(question);
  }
  async watch(hostId: string, request: WatchRequest): Promise<RemoteWatch> {
    return this.#session(hostId).watch(request);
  }

  /** Ends all streams. */
  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  /** What comes on a stream that was ended, before its other end heard of that, is nobody's word any more. */
  #receive(session: Session | undefined, message: FromAgent): void {
    if (session && this.#sessions.get(session.hostId) === session) session.receive(message);
  }

  #interested(ids: ReadonlySet<SliceId>): Set<Session> {
    const found = new Set<Session>();
    for (const id of ids)
      for (const hostId of this.#options.plans.hostsOf(id)) {
        const session = this.#sessions.get(hostId);
        if (session) found.add(session);
      }
    return found;
  }

  #replanned(hostId: string): void {
    const wanted = this.#options.plans.wantedBy(hostId);
    const session = this.#sessions.get(hostId);
    // What a host says that was removed counts no more, whether it hears that it is closed or not.
    if (session && wanted.size === 0) this.#ended(session);
    else session?.replanned(wanted);
  }

  #forget(id: SliceId): 0 {
    this.#published.delete(id);
    this.#frames.forget(id);
    return 0;
  }

  #session(hostId: string): Session {
    const session = this.#sessions.get(hostId);
    if (!session) throw unanswered("no agent is connected to this controller");
    return session;
  }

  #greet(link: Link, hello: Hello, admit: Admit): Session | undefined {
    const host = hostOf(this.#options.intent, hello.host);
    const refuse = (code: Refused["code"], message: string): undefined => {
      if (host) this.#refusals.set(host.id, message);
      link.send(JSON.stringify({ type: "refused", code, message } satisfies Refused));
      link.close(CLOSE.refused);
    };
    const { version } = hello;
    if (version !== PROTOCOL_VERSION)
      return refuse(
        "wrong_version",
        `This controller speaks version ${PROTOCOL_VERSION} of the agents' protocol, not ${version}.`,
      );
    const problem = host && admit(hello, host);
    if (host && problem !== undefined) return refuse("not_authorised", problem);
    if (this.#options.doubts(hello, host)) {
      link.close(CLOSE.goingAway);
      return undefined;
    }
    if (!host) return refuse("unknown_host", `There is no host ${JSON.stringify(hello.host.slice(0, 80))}.`);
    return this.#open(link, host, hello);
  }

  #open(link: Link, host: At<Host>, hello: Hello): Session {
    const { plans, clock, epochOf, reports, members } = this.#options;
    this.#sessions.get(host.id)?.close(CLOSE.replaced);
    const session = new Session({
      link,
      hostId: host.id,
      hello,
      plans,
      epochOf,
      frames: this.#frames,
      clock,
      traffic: this.traffic,
      onReport: (said) => reports.put(host.id, said),
      confirm: (lessons) => this.#confirm(lessons, host),
    });
    this.#sessions.set(host.id, session);
    this.#refusals.delete(host.id);
    reports.opened(host.id);
    session.introduce(members());
    session.offer(plans.wantedBy(host.id));
    return session;
  }

  async #confirm(lessons: Lessons, host: At<Host>): Promise<Verdicts | undefined> {
    const { confirm, onError } = this.#options;
    try {
      return await confirm(lessons, host);
    } catch (error) {
      onError?.(error);
      return undefined;
    }
  }

  #ended(session: Session): void {
    session.close();
    if (this.#sessions.get(session.hostId) !== session) return;
    this.#sessions.delete(session.hostId);
    this.#options.reports.closed(session.hostId);
  }
}

function hostOf(intent: Intent, name: string): At<Host> | undefined {
  const host = intent.hosts.get(name) ?? [...intent.hosts.values()].find((h) => h.name === name);
  return host?.kind === "onehop" ? host : undefined;
}
