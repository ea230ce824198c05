import type { Answer, FromAgent, Query, ToAgent, WatchPart, WatchStart, WatchStop } from "@onehop/core";

/** A stream, as far as questions go. */
interface Asker {
  send(message: FromAgent): void;
}
type Question = Query | WatchStart | WatchStop;

/** Gives questions of several controllers, which number them alike, numbers of their own, and answers each where it was asked. */
export class Switchboard<S extends Asker> {
  readonly #calls = new Map<number, { readonly stream: S; readonly id: number; readonly watches: boolean }>();
  #last = 0;

  static isQuestion(message: ToAgent): message is Question {
    return message.type === "query" || message.type === "watch" || message.type === "unwatch";
  }

  /** As it is to be asked here; undefined: the watch that is to end is not known. */
  take(question: Question, stream: S): Question | undefined {
    if (question.type === "unwatch") {
      for (const [id, call] of this.#calls)
        if (call.stream === stream && call.id === question.id) return { ...question, id };
      return undefined;
    }
    const id = ++this.#last;
    this.#calls.set(id, { stream, id: question.id, watches: question.type === "watch" });
    return { ...question, id };
  }

  /** To whoever asked. */
  answer(message: Answer | WatchPart): void {
    const call = this.#calls.get(message.id);
    if (!call) return;
    const isLast = message.type === "answer" ? !call.watches || message.error !== undefined : message.end !== undefined;
    if (isLast) this.#calls.delete(message.id);
    call.stream.send({ ...message, id: call.id });
  }

  /** The stream is gone: its watches are to end. */
  ended(stream: S): WatchStop[] {
    const calls = [...this.#calls].filter(([, call]) => call.stream === stream);
    for (const [id, call] of calls) if (!call.watches) this.#calls.delete(id);
    return calls.filter(([, call]) => call.watches).map(([id]) => ({ type: "unwatch", id }));
  }
}
