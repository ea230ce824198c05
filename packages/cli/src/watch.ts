import { type Noun, OnehopError } from "@onehop/core";
import type { Thing } from "./api.ts";
import { type Query, queryText } from "./objects.ts";
import type { Session } from "./session.ts";

/** What became of an object, as the API tells it. */
export interface Told {
  readonly type: "added" | "modified" | "deleted";
  readonly revision?: number;
  readonly object: Thing;
}

type Line =
  | (Told & { readonly id?: number })
  | { readonly type: "bookmark"; readonly id: number }
  | { readonly type: "error"; readonly problem: Problem };

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly hint?: string;
}

/** Between attempts to reach the API again: the first, and at most. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

export interface Watched {
  readonly noun: Noun;
  readonly query: Query;
  readonly signal: AbortSignal;
  /** All there is at first, then each change. */
  readonly show: (told: readonly Told[]) => Promise<void>;
}

/**
 * Shows what becomes of a list until the signal aborts. A stream that breaks is resumed; one that cannot be, because the API
 * forgot the revision or because status may have changed unseen, begins anew and only what differs is shown.
 */
export async function watchThings({ api, io }: Pick<Session, "api" | "io">, watched: Watched): Promise<void> {
  const { noun, query, signal } = watched;
  const view = new View(watched.show);
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const from = view.resumesAt;
    const path = `/v1/${noun.plural}${queryText({ ...query, watch: "true", ...(from ? { from_revision: String(from) } : {}) })}`;
    try {
      view.begin();
      for await (const line of api.lines(path, signal)) {
        await view.take(line as Line);
        pause = FIRST_PAUSE_MS;
      }
    } catch (error) {
      if (!view.isOpen || !canPass(error)) throw error;
      if (error.detail.status === 410) view.forget();
      else io.err(`${error.message} Trying again.\n`);
    }
    if (signal.aborted) return;
    await io.pause(pause);
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
  }
}

/** Whether asking again may help. */
const canPass = (error: unknown): error is OnehopError =>
  error instanceof OnehopError && (error.detail.status === 410 || error.detail.status >= 500);

/** What has been shown, and how far the stream has come. */
class View {
  readonly #show: Watched["show"];
  readonly #known = new Map<string, Thing>();
  #at: number | undefined;
  /** Of a stream that begins anew: what it has told so far, until its first bookmark. */
  #fresh: Map<string, Told> | undefined;
  /** Whether a stream has told anything yet: before that, a failure is the user's to mend. */
  isOpen = false;

  constructor(show: Watched["show"]) {
    this.#show = show;
  }

  /** A resumed stream repeats what is not realised; what has become so meanwhile is only found by looking at all. */
  get resumesAt(): number | undefined {
    return [...this.#known.values()].every((t) => t.status.state === "realised") ? this.#at : undefined;
  }

  begin(): void {
    this.#fresh = this.resumesAt === undefined ? new Map() : undefined;
  }

  forget(): void {
    this.#at = undefined;
  }

  async take(line: Line): Promise<void> {
    this.isOpen = true;
    if (line.type === "error") throw refusalOf(line.problem);
    if (line.type === "bookmark") await this.#settle();
    else if (this.#fresh) this.#fresh.set(line.object.id, line);
    else await this.#tell([line]);
    // What was gathered but not yet shown would be lost.
    if (line.id !== undefined && !this.#fresh) this.#at = line.id;
  }

  /** All was told anew: shown is what differs. */
  async #settle(): Promise<void> {
    const fresh = this.#fresh;
    if (!fresh) return;
    this.#fresh = undefined;
    const gone = [...this.#known.values()].filter((t) => !fresh.has(t.id));
    await this.#tell([
      ...gone.map((object): Told => ({ type: "deleted", object })),
      ...[...fresh.values()].map(
        (told): Told => (this.#known.has(told.object.id) ? { ...told, type: "modified" } : told),
      ),
    ]);
  }

  async #tell(told: readonly Told[]): Promise<void> {
    const news = told.filter((t) => t.type === "deleted" || !isSame(this.#known.get(t.object.id), t.object));
    for (const { type, object } of news)
      if (type === "deleted") this.#known.delete(object.id);
      else this.#known.set(object.id, object);
    if (news.length > 0) await this.#show(news);
  }
}

const isSame = (a: Thing | undefined, b: Thing): boolean =>
  a?.revision === b.revision && a.status.state === b.status.state && a.status.reason === b.status.reason;

const refusalOf = ({ status, code, detail, hint }: Problem): OnehopError =>
  new OnehopError({ status, code, message: detail, ...(hint ? { hint } : {}) });
