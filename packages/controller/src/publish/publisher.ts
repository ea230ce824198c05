import type { Server } from "node:http";
import {
  type At,
  type Hello,
  type Host,
  type Intent,
  type Lessons,
  PROTOCOL_VERSION,
  type Question,
  type Refused,
  type Report,
  type SliceId,
  type Verdicts,
} from "@onehop/core";
import type { Clock } from "@onehop/store";
import { type WebSocket, WebSocketServer } from "ws";
import type { Plans, Work } from "../compile/index.ts";
import { type Agents, type RemoteWatch, unanswered, type WatchRequest } from "../look/agents.ts";
import { Frames } from "./frames.ts";
import { parseFromAgent } from "./from_agent.ts";
import { Session } from "./session.ts";

export interface PublisherOptions {
  readonly plans: Plans;
  readonly intent: Intent;
  readonly clock: Clock;
  /** Undefined: this controller does not own the shard and serves nobody. */
  readonly epoch: () => number | undefined;
  /** One for each stream: takes its reports, and hears when it ended. */
  readonly reportsOf: (hostId: string) => { put(report: Report): void; close(): void };
  /** Judges what an agent learned. */
  readonly confirm: (lessons: Lessons) => Promise<Verdicts>;
  /** A stream did what it must not; it is closed. */
  readonly onError?: (error: unknown) => void;
}

/** Longest frame of an agent, bytes. */
const MAX_FRAME = 8 * 1024 * 1024;

/** All agents' streams: a slice that changed goes to the hosts that are interested in it, and to nobody else. */
export class Publisher implements Agents {
  /** Slices sent, by kind. */
  readonly sent: Work = {};
  readonly #sessions = new Map<string, Session>();
  readonly #frames = new Frames();
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME, perMessageDeflate: false });
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Takes WebSockets at /agent/v1 of this server. */
  serve(server: Server): void {
    server.on("upgrade", (request, socket, head) => {
      if (request.url !== `/agent/v${PROTOCOL_VERSION}`) return socket.destroy();
      this.#sockets.handleUpgrade(request, socket, head, (stream) => this.#greet(stream));
    });
  }

  /** Ids of slices whose content changed or went. */
  changed(ids: ReadonlySet<SliceId>): void {
    for (const session of this.#sessions.values())
      if (ids.has(`host/${session.hostId}`) && !this.#options.plans.hostSlice(session.hostId)) session.close();
    const offers = new Map<Session, SliceId[]>();
    for (const id of ids) {
      this.#frames.forget(id);
      for (const hostId of this.#options.plans.hostsOf(id)) {
        const session = this.#sessions.get(hostId);
        if (!session) continue;
        const offer = offers.get(session);
        if (offer) offer.push(id);
        else offers.set(session, [id]);
      }
    }
    // A host that begins to want a slice gets it with its own one, which changed too.
    for (const [session, offer] of offers) {
      const own = offer.includes(`host/${session.hostId}`);
      session.offer(own ? (this.#options.plans.hostSlice(session.hostId)?.slices ?? []) : offer);
    }
  }

  /** Ends all streams: the epoch they were opened under is over. */
  drop(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  get connected(): number {
    return this.#sessions.size;
  }

  async ask(hostId: string, question: Question): Promise<unknown> {
    return this.#session(hostId).ask(question);
  }

  async watch(hostId: string, request: WatchRequest): Promise<RemoteWatch> {
    return this.#session(hostId).watch(request);
  }

  close(): void {
    this.drop();
    this.#sockets.close();
  }

  #session(hostId: string): Session {
    const session = this.#sessions.get(hostId);
    if (!session) throw unanswered("no agent is connected to this controller");
    return session;
  }

  #greet(socket: WebSocket): void {
    socket.on("error", (error) => this.#options.onError?.(error));
    socket.once("message", (data) => {
      const hello = parseFromAgent(String(data));
      if (hello?.type !== "hello") return socket.close(1002);
      const { epoch, intent } = this.#options;
      const now = epoch();
      const host = hostOf(intent, hello.host);
      if (hello.version !== PROTOCOL_VERSION)
        return refuse(socket, "wrong_version", `This controller speaks version ${PROTOCOL_VERSION}.`);
      if (now === undefined) return refuse(socket, "not_authorised", "Another controller serves this region.");
      if (!host) return refuse(socket, "unknown_host", `There is no host ${JSON.stringify(hello.host.slice(0, 80))}.`);
      this.#open(socket, host, { hello, epoch: now });
    });
  }

  #open(socket: WebSocket, host: At<Host>, { hello, epoch }: { hello: Hello; epoch: number }): void {
    this.#sessions.get(host.id)?.close();
    const { plans, clock, reportsOf, confirm, onError } = this.#options;
    const reports = reportsOf(host.id);
    const session = new Session({
      socket,
      hostId: host.id,
      hello,
      epoch,
      plans,
      frames: this.#frames,
      clock,
      sent: this.sent,
      onReport: (report) => reports.put(report),
      confirm: async (lessons) => {
        try {
          return await confirm(lessons);
        } catch (error) {
          onError?.(error);
          return undefined;
        }
      },
    });
    this.#sessions.set(host.id, session);
    socket.on("message", (data) => {
      const message = parseFromAgent(String(data));
      if (message) return session.receive(message);
      onError?.(new Error(`${host.name} sent a frame that no agent sends`));
      socket.close(1002);
    });
    socket.on("close", () => {
      session.close();
      reports.close();
      if (this.#sessions.get(host.id) === session) this.#sessions.delete(host.id);
    });
  }
}

function hostOf(intent: Intent, name: string): At<Host> | undefined {
  const host = intent.hosts.get(name) ?? [...intent.hosts.values()].find((h) => h.name === name);
  return host?.kind === "onehop" ? host : undefined;
}

function refuse(socket: WebSocket, code: Refused["code"], message: string): void {
  socket.send(JSON.stringify({ type: "refused", code, message } satisfies Refused));
  socket.close(1008);
}
