import { type Claim, compareClaims, type FromAgent, type Lesson, type Verdict, type Verdicts } from "@onehop/core";
import type { Kernel } from "../kernel/kernel.ts";
import type { Rows } from "../lower/index.ts";

export interface ConfirmerOptions {
  readonly kernel: Kernel;
  readonly send: (message: FromAgent) => void;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly onFalse: (lesson: Lesson) => void;
}

/** Between two confirmations of an entry in use. */
const AGAIN_MS = 10_000;
/** Before one that could not be judged is asked about again. */
const LATER_MS = 1000;
/** A batch without an answer is given up. */
const PATIENCE_MS = 5000;
/** Lessons of one message. */
const MOST = 2000;
const MS = 1_000_000n;
/** Verdicts that something is done about. */
const VERDICTS: ReadonlySet<string> = new Set(["confirmed", "stale", "false"]);

/** The claim that was asked about, and when it is to be asked about again. */
interface Asked {
  readonly lesson: Lesson;
  due: number;
}

/** Has the controllers judge what was learned, in the background: they know what is bound where. */
export class Confirmer {
  readonly #options: ConfirmerOptions;
  readonly #asked = new Map<string, Asked>();
  #batch: { readonly id: number; readonly lessons: readonly Lesson[]; readonly at: number } | undefined;
  #lastId = 0;

  constructor(options: ConfirmerOptions) {
    this.#options = options;
  }

  /** Asks about what is new, or was confirmed long ago and used since. `now`: milliseconds of the agent's clock. */
  ask(now: number): void {
    if (this.#batch && now - this.#batch.at < PATIENCE_MS) return;
    const lessons = this.#due(now).slice(0, MOST);
    this.#batch = lessons.length > 0 ? { id: ++this.#lastId, lessons, at: now } : undefined;
    if (this.#batch) this.#options.send({ type: "lessons", id: this.#batch.id, lessons });
  }

  receive({ id, verdicts }: Verdicts, now: number): void {
    if (this.#batch?.id !== id) return;
    const { lessons } = this.#batch;
    this.#batch = undefined;
    for (const [i, lesson] of lessons.entries()) {
      const verdict = verdicts[i];
      if (verdict) this.#obey(lesson, verdict, now);
    }
  }

  /** What is new comes first: those that are confirmed every ten seconds may be more than can be asked about in ten. */
  #due(now: number): Lesson[] {
    const { kernel } = this.#options;
    const recently = kernel.now() - BigInt(AGAIN_MS) * MS;
    const present = new Set<string>();
    const fresh: Lesson[] = [];
    const again: Lesson[] = [];
    for (const [key, entry] of kernel.read("learned")) {
      const text = `${key.vpc} ${key.address}`;
      present.add(text);
      const lesson = lessonOf([key, entry]);
      const asked = this.#asked.get(text);
      if (!asked || !sameLesson(asked.lesson, lesson)) fresh.push(lesson);
      else if (now >= asked.due && entry.used >= recently) again.push(lesson);
    }
    this.#forget(present);
    return [...fresh, ...again];
  }

  /** Of entries that are gone, nothing is to be remembered. */
  #forget(present: ReadonlySet<string>): void {
    for (const text of this.#asked.keys()) if (!present.has(text)) this.#asked.delete(text);
    const { kernel } = this.#options;
    const gone = [...kernel.read("confirmed")].filter(([k]) => !present.has(`${k.vpc} ${k.address}`));
    if (gone.length === 0) return;
    kernel.remove(
      "confirmed",
      gone.map(([key]) => key),
    );
  }

  #obey(lesson: Lesson, verdict: Verdict, now: number): void {
    const { vpc, address, claim } = lesson;
    const key = { vpc, address };
    const isKnown = VERDICTS.has(verdict.verdict);
    this.#asked.set(`${vpc} ${address}`, { lesson, due: now + (isKnown ? AGAIN_MS : LATER_MS) });
    // Also a verdict that a controller of another version gives: nobody is barred by a word that is not understood.
    if (!isKnown) return;
    if (verdict.verdict === "confirmed") {
      this.#confirm(key, claim);
      return;
    }
    try {
      if (verdict.verdict === "stale") this.#raiseFloor(key, verdict.floor);
      else this.#bar(lesson);
    } finally {
      this.#removeEntry(key, lesson);
    }
  }

  #confirm(key: Rows["confirmed"][0], claim: Claim): void {
    const { kernel } = this.#options;
    const known = kernel.get("confirmed", key);
    if (!known || compareClaims(known, claim) !== 0) kernel.write("confirmed", [[key, claim]]);
  }

  /** Before the entry goes: the teacher must not teach it again. */
  #bar(lesson: Lesson): void {
    const { kernel, wall, onFalse } = this.#options;
    const { vpc, address, host } = lesson;
    onFalse(lesson);
    kernel.remove("floors", [{ vpc, address }]);
    if (!kernel.get("barred", { vpc, host }))
      kernel.write("barred", [[{ vpc, host }, { since: Math.floor(wall() / 1000) }]]);
  }

  #removeEntry(key: Rows["learned"][0], lesson: Lesson): void {
    const { kernel } = this.#options;
    const entry = kernel.get("learned", key);
    if (entry && sameLesson(lessonOf([key, entry]), lesson)) kernel.remove("learned", [key]);
  }

  #raiseFloor(key: Rows["floors"][0], floor: Claim): void {
    const { kernel } = this.#options;
    const old = kernel.get("floors", key);
    if (!old || compareClaims(old, floor) < 0) kernel.write("floors", [[key, floor]]);
  }
}

const lessonOf = ([{ vpc, address }, { host, port, claim }]: Rows["learned"]): Lesson => ({
  vpc,
  address,
  host,
  port,
  claim,
});

const sameLesson = (a: Lesson, b: Lesson): boolean =>
  a.host === b.host && a.port === b.port && compareClaims(a.claim, b.claim) === 0;
