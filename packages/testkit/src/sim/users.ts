import type { Written } from "@onehop/controller/api/attempt";
import { change, create, remove, type Write } from "@onehop/controller/api/write";
import { type Kind, NOUNS, type Noun, OnehopError } from "@onehop/core";
import { keys } from "@onehop/store";
import type { ControllerNode } from "./controller.ts";
import type { Surroundings } from "./surroundings.ts";

type Body = Readonly<Record<string, unknown>>;

/** What users know of an object of theirs. */
export interface Owned {
  readonly kind: Kind;
  readonly id: string;
  readonly body: Body;
  /** Revision of the last write that was acknowledged; 0: it is known not to be there. Undefined: nobody knows. */
  revision: number | undefined;
  /** Writes without an answer. */
  open: number;
}

/** How long a user waits for an answer, milliseconds. */
const PATIENCE_MS = 4000;
const nounOf = (kind: Kind): Noun => NOUNS.find((noun) => noun.kind === kind) as Noun;

/** Writes through the handlers of whatever controller, and what came of them: nothing acknowledged may get lost. */
export class Users {
  readonly objects = new Map<string, Owned>();
  readonly #around: Surroundings;
  readonly #controllers: readonly ControllerNode[];
  /** Requests, and answers by their kind. */
  readonly counts = { asked: 0, done: 0, refused: 0, unknown: 0 };

  constructor(around: Surroundings, controllers: readonly ControllerNode[]) {
    this.#around = around;
    this.#controllers = controllers;
  }

  /** Objects of a kind that are there, as far as is known, and of which nothing is open. */
  some(kind: Kind): Owned[] {
    return [...this.objects.values()].filter((o) => o.kind === kind && o.open === 0 && (o.revision ?? 0) > 0);
  }
  get open(): number {
    return [...this.objects.values()].reduce((sum, object) => sum + object.open, 0);
  }

  /** A new object; also one that went, with its id. The request may come twice, to two controllers. */
  create(kind: Kind, body: Body, id = this.#uuid()): void {
    const owned = this.objects.get(id) ?? { kind, id, body, revision: 0, open: 0 };
    if (owned.open > 0) return;
    const object = { ...owned, body };
    this.objects.set(id, object);
    const twice = this.#around.random.chance(10);
    for (let i = 0; i < (twice ? 2 : 1); i++) this.#ask(object, (write) => create(write, { ...body, id }));
  }
  change(object: Owned, patch: Body): void {
    this.#ask(object, (write) => change(write, object.id, patch));
  }
  remove(object: Owned): void {
    this.#ask(object, (write) => remove(write, object.id));
  }

  /** While nothing is open: asks the store about what nobody knows. */
  async learn(): Promise<void> {
    for (const object of this.objects.values())
      if (object.revision === undefined) object.revision = (await this.#stored(object))?.mod_revision ?? 0;
  }

  /** What was acknowledged and is not so. */
  async lost(): Promise<string | undefined> {
    for (const object of this.objects.values()) {
      if (object.revision === undefined || object.open > 0) continue;
      const stored = (await this.#stored(object))?.mod_revision ?? 0;
      if (stored !== object.revision)
        return `${object.kind} ${object.id} was acknowledged at revision ${object.revision}, and the store has ${stored}.`;
    }
    return undefined;
  }

  #stored({ kind, id }: Owned) {
    return this.#around.memory.get(keys.object(nounOf(kind).plural, id));
  }

  #ask(object: Owned, work: (write: Write) => Promise<Written>): void {
    const { random, time } = this.#around;
    const controller = random.pick(this.#controllers);
    const { process, api } = controller;
    if (!api || process.dead) return;
    this.counts.asked++;
    object.open++;
    const late = time.after(PATIENCE_MS, () => this.#unknown(object));
    const ends = new Once(() => {
      object.open--;
      late();
    });
    process.onEnd(() => ends.do(() => this.#unknown(object)));
    process.do(() => {
      const write = { writer: api.writer, noun: nounOf(object.kind), context: api.context };
      work(write).then(
        (written) => ends.do(() => this.#done(object, written)),
        (error) => ends.do(() => this.#failed(object, error)),
      );
    });
  }

  #done(object: Owned, { status, object: stored }: Written): void {
    this.counts.done++;
    const revision = status === 204 ? 0 : stored?.revision;
    // Of two requests at once nobody knows which was later.
    if (object.open > 0 && object.revision !== revision) object.revision = undefined;
    else object.revision = revision;
  }

  #failed(object: Owned, error: unknown): void {
    const status = error instanceof OnehopError ? error.detail.status : 500;
    if (status >= 500) {
      this.#unknown(object);
      return;
    }
    this.counts.refused++;
    // The other of two requests may have been done, or the object is gone by one that nobody knew the end of.
    if (status === 404 || status === 409) object.revision = undefined;
  }

  #unknown(object: Owned): void {
    this.counts.unknown++;
    object.revision = undefined;
  }

  #uuid(): string {
    const b = Buffer.from(this.#around.random.bytes(16));
    b[6] = (b[6]! & 0x0f) | 0x40;
    b[8] = (b[8]! & 0x3f) | 0x80;
    return b.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }
}

/** What happens at most once. */
class Once {
  #before: (() => void) | undefined;
  constructor(before: () => void) {
    this.#before = before;
  }
  do(fn: () => void): void {
    if (!this.#before) return;
    this.#before();
    this.#before = undefined;
    fn();
  }
}
