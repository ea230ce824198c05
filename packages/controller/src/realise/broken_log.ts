import type { IntentView } from "@onehop/store";
import type { Logger } from "pino";

/** Says once of each stored object that cannot be read, which is left out of everything, what is wrong with it. */
export class BrokenLog {
  readonly #view: IntentView;
  readonly #logger: Logger;
  readonly #told = new Map<string, number>();

  constructor(view: IntentView, logger: Logger) {
    this.#view = view;
    this.#logger = logger;
    this.look();
  }

  look(): void {
    const { broken } = this.#view;
    for (const key of this.#told.keys()) if (!broken.has(key)) this.#told.delete(key);
    for (const [key, { kind, id, revision, reason }] of broken) {
      if (this.#told.get(key) === revision) continue;
      this.#told.set(key, revision);
      this.#logger.error({ kind, id, revision }, `${reason} It is left out, and all others go on.`);
    }
  }
}
