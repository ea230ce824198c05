import type { Answer, FromAgent, Query, Question, ToAgent, WatchPart } from "@onehop/core";
import type { Clock } from "@onehop/store";
import { type RemoteWatch, unanswered, type WatchRequest } from "../look/agents.ts";

const QUERY_MS = 5000;

/** What is asked of one host for users, and its answers. */
export class Asking {
  readonly #clock: Clock;
  readonly #send: (message: ToAgent) => void;
  readonly #questions = new Map<number, (answer: Answer) => void>();
  readonly #watches = new Map<number, WatchRequest["onPart"]>();
  #lastQuestion = 0;

  constructor(clock: Clock, send: (message: ToAgent) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  receive(message: Extract<FromAgent, Answer | WatchPart>): void {
    if (message.type === "answer") this.#questions.get(message.id)?.(message);
    if (message.type !== "watched") return;
    this.#watches.get(message.id)?.(message);
    if (message.end) this.#watches.delete(message.id);
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

  /** The stream ended: nothing is answered any more. */
  end(): void {
    for (const [id, settle] of this.#questions) settle({ type: "answer", id, error: "the stream ended" });
    for (const onPart of this.#watches.values()) onPart({ packets: [], lost: 0, end: "failed" });
    this.#watches.clear();
  }

  async #asked(message: Extract<ToAgent, { id: number }>, patienceMs: number): Promise<unknown> {
    const { id } = message;
    const answer = await new Promise<Answer>((resolve) => {
      const late = () => resolve({ type: "answer", id, error: "no answer" });
      const cancel = this.#clock.after(patienceMs, late);
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
}
