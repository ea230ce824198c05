import type { Answer, FromAgent, Hello, Query, Report, SliceId } from "@onehop/core";
import { OnehopError } from "@onehop/core";
import type { Clock } from "@onehop/store";
import type { WebSocket } from "ws";
import type { Compiled, Plans, Work } from "../compile/index.ts";
import { partsOf } from "../compile/index.ts";
import type { Frames } from "./frames.ts";
import { Outbox } from "./outbox.ts";

export interface SessionOptions {
  readonly socket: WebSocket;
  readonly hostId: string;
  readonly hello: Hello;
  readonly epoch: number;
  readonly plans: Plans;
  readonly frames: Frames;
  readonly clock: Clock;
  /** Slices sent so far, by kind; counted up here. */
  readonly sent: Work;
  readonly onReport: (report: Report) => void;
}

const PING_MS = 1000;
/** A stream without a sign of life for so long is dead. */
const SILENCE_MS = 4000;
const QUERY_MS = 5000;

/** The stream to one host: its slices as they change, its reports and answers as they come. */
export class Session {
  readonly hostId: string;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  /** Hash of each slice that the host has, or is being sent. */
  readonly #has = new Map<SliceId, string>();
  readonly #questions = new Map<number, (answer: Answer) => void>();
  #lastQuestion = 0;
  #heard: number;
  #cancelPing: () => void = () => undefined;

  constructor(options: SessionOptions) {
    const { socket, clock } = options;
    this.#options = options;
    this.hostId = options.hostId;
    this.#heard = clock.now();
    this.#outbox = new Outbox({
      frameOf: (id) => this.#frameOf(id),
      send: (frame, done) => socket.send(frame, () => done()),
    });
    socket.on("pong", () => {
      this.#heard = clock.now();
    });
    this.#ping();
    for (const held of options.hello.have) this.#has.set(held.id, held.hash);
    this.offer(options.plans.hostSlice(this.hostId)?.slices ?? [], "all");
  }

  /** Slices whose content may have changed; those that are none of this host's are passed over. */
  offer(ids: Iterable<SliceId>, which: "changed" | "all" = "changed"): void {
    const { plans } = this.#options;
    const wanted: SliceId[] = [];
    for (const id of ids) {
      if (which === "all" || (plans.hostsOf(id).has(this.hostId) && plans.slice(id)?.hash !== this.#has.get(id)))
        wanted.push(id);
    }
    // The host's own slice first, then the hosts, so that nothing names a host that is not known yet.
    this.#outbox.offer(wanted.sort((a, b) => rank(a) - rank(b)));
  }

  receive(message: FromAgent): void {
    this.#heard = this.#options.clock.now();
    if (message.type === "report") this.#options.onReport(message);
    if (message.type === "answer") this.#questions.get(message.id)?.(message);
  }

  async query(what: Query["what"], portId?: string): Promise<unknown> {
    const id = ++this.#lastQuestion;
    const question: Query = { type: "query", id, what, ...(portId === undefined ? {} : { port_id: portId }) };
    const answer = await new Promise<Answer>((resolve) => {
      const cancel = this.#options.clock.after(QUERY_MS, () => resolve({ type: "answer", id, error: "no answer" }));
      this.#questions.set(id, (given) => {
        cancel();
        resolve(given);
      });
      this.#options.socket.send(JSON.stringify(question));
    });
    this.#questions.delete(id);
    if (answer.error !== undefined) throw unanswered(answer.error);
    return answer.result;
  }

  /** Ends the stream; the agent looks for a controller anew. */
  close(): void {
    this.#cancelPing();
    this.#options.socket.close(1001);
    for (const [id, settle] of this.#questions) settle({ type: "answer", id, error: "the stream ended" });
  }

  #frameOf(id: SliceId): string | undefined {
    const { plans, frames, epoch, sent } = this.#options;
    const slice: Compiled | undefined = plans.slice(id);
    if (!slice) {
      this.#has.delete(id);
      return undefined;
    }
    if (this.#has.get(id) === slice.hash) return frames.same(slice, epoch);
    this.#has.set(id, slice.hash);
    if (slice.body.type === "host") this.#forgetUnwanted(new Set(slice.body.slices));
    const kind = partsOf(id)[0];
    sent[kind] = (sent[kind] ?? 0) + 1;
    return frames.of(slice, epoch);
  }

  /** The agent drops what its own slice does not list, so it must be sent anew should it be wanted again. */
  #forgetUnwanted(wanted: ReadonlySet<SliceId>): void {
    for (const id of this.#has.keys()) if (!wanted.has(id)) this.#has.delete(id);
  }

  #ping(): void {
    const { clock, socket } = this.#options;
    if (clock.now() - this.#heard > SILENCE_MS) {
      socket.terminate();
      return;
    }
    if (socket.readyState === socket.OPEN) socket.ping();
    this.#cancelPing = clock.after(PING_MS, () => this.#ping());
  }
}

const RANK = { host: 0, hosts: 1, vpc: 2, network: 3 } as const;
const rank = (id: SliceId): number => RANK[partsOf(id)[0]];

export const unanswered = (why: string): OnehopError =>
  new OnehopError({
    code: "host_unreachable",
    status: 503,
    message: `The host does not answer: ${why}.`,
    hint: "See whether its agent runs: onehop host show.",
    retry_after: 1,
  });
