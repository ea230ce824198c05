import type {
  Answer,
  FromAgent,
  Hello,
  Lessons,
  Query,
  Question,
  Report,
  SliceId,
  ToAgent,
  Verdicts,
} from "@onehop/core";
import type { Clock } from "@onehop/store";
import type { WebSocket } from "ws";
import type { Compiled, Plans, Work } from "../compile/index.ts";
import { partsOf } from "../compile/index.ts";
import { type RemoteWatch, unanswered, type WatchRequest } from "../look/agents.ts";
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
  /** Undefined: they cannot be judged now. */
  readonly confirm: (lessons: Lessons) => Promise<Verdicts | undefined>;
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
  readonly #watches = new Map<number, WatchRequest["onPart"]>();
  #confirming = false;
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
    if (message.type === "lessons") void this.#confirm(message);
    if (message.type !== "watched") return;
    this.#watches.get(message.id)?.(message);
    if (message.end) this.#watches.delete(message.id);
  }

  /** One batch at a time: what comes meanwhile is asked again by the agent. */
  async #confirm(lessons: Lessons): Promise<void> {
    if (this.#confirming) return;
    this.#confirming = true;
    const verdicts = await this.#options.confirm(lessons);
    this.#confirming = false;
    if (verdicts) this.#send(verdicts);
  }

  ask(question: Question): Promise<unknown> {
    const id = ++this.#lastQuestion;
    const takes = question.what === "top" ? question.seconds * 1000 : 0;
    return this.#asked({ type: "query", id, ...question } satisfies Query, QUERY_MS + takes);
  }

  /** Parts come to `onPart` from now on; resolves when the host's programs tell. */
  async watch({ want, limits, onPart }: WatchRequest): Promise<RemoteWatch> {
    const id = ++this.#lastQuestion;
    this.#watches.set(id, onPart);
    try {
      await this.#asked({ type: "watch", id, want, limits }, QUERY_MS);
    } catch (error) {
      this.#watches.delete(id);
      this.#send({ type: "unwatch", id });
      throw error;
    }
    return { stop: () => this.#send({ type: "unwatch", id }) };
  }

  async #asked(message: Extract<ToAgent, { id: number }>, patienceMs: number): Promise<unknown> {
    const { id } = message;
    const answer = await new Promise<Answer>((resolve) => {
      const late = () => resolve({ type: "answer", id, error: "no answer" });
      const cancel = this.#options.clock.after(patienceMs, late);
      this.#questions.set(id, (given) => {
        cancel();
        resolve(given);
      });
      this.#send(message);
    });
    this.#questions.delete(id);
    if (answer.error !== undefined) throw unanswered(answer.error);
    return answer.result;
  }

  #send(message: ToAgent): void {
    const { socket } = this.#options;
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  }

  /** Ends the stream; the agent looks for a controller anew. */
  close(): void {
    this.#cancelPing();
    this.#options.socket.close(1001);
    for (const [id, settle] of this.#questions) settle({ type: "answer", id, error: "the stream ended" });
    for (const onPart of this.#watches.values()) onPart({ packets: [], lost: 0, end: "failed" });
    this.#watches.clear();
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
