import { type FieldError, type Kind, OnehopError } from "@onehop/core";
import type { Api, Thing } from "./api.ts";
import { createPorts } from "./bulk.ts";
import { Directory } from "./directory.ts";
import { type ObjectDocument, parseDocuments } from "./documents.ts";
import { pathOf } from "./objects.ts";
import { inOrder } from "./order.ts";
import { difference, labelsOf, ownerOf, resolve } from "./resolve.ts";

export type Action = "created" | "configured" | "unchanged" | "deleted" | "absent";

export interface Applied {
  readonly kind: Kind;
  readonly name: string;
  readonly id: string;
  readonly action: Action;
}

export interface ApplyOptions {
  /** Owner of VPCs whose metadata names no project. */
  readonly project?: string;
  /** Find out what would be done, and do nothing. */
  readonly dryRun?: true;
  /** Called for each object as soon as it is done. */
  readonly onApplied?: (applied: Applied) => void;
}

/** Another's change between our reading and our writing: read again and write again, this often. */
const ATTEMPTS = 4;

/**
 * Makes the API hold what a file of YAML documents says: parents first, creating what is missing and patching what
 * differs. Fields that a document does not name stay as they are. Throws one OnehopError with the line of every problem:
 * before anything is sent for what the file itself shows, and after the rest was applied for what the API refuses.
 */
export async function applyDocuments(api: Api, text: string, options: ApplyOptions = {}): Promise<Applied[]> {
  const documents = inOrder(parseDocuments(text), "parents first");
  const directory = new Directory(api);
  const run = new Run(options);
  if (options.dryRun) return run.all(documents, rehearser(directory, options));
  const step = applier(directory, api, options);
  // Ports come together, after their networks and before the routes through them.
  const first = documents.findIndex((d) => d.noun.kind === "port");
  await run.each(first < 0 ? documents : documents.slice(0, first), step);
  if (first >= 0) {
    const work = { api, directory, ...(options.project ? { project: options.project } : {}) };
    const created = (document: ObjectDocument, id: string) => run.done(result(document, id, "created"));
    await run.each(await createPorts(work, documents.slice(first), created), step);
  }
  return run.end();
}

/** Deletes what a file describes, children first. What is gone already is `absent`, not an error. */
export async function deleteDocuments(api: Api, text: string, options: ApplyOptions = {}): Promise<Applied[]> {
  const documents = inOrder(parseDocuments(text), "children first");
  const directory = new Directory(api);
  return new Run(options).all(documents, async (document) => {
    const found = await present(() => lookUp(directory, document, options));
    if (found) await api.request("DELETE", pathOf(document.noun, found.id));
    return result(document, found?.id ?? "", found ? "deleted" : "absent");
  });
}

const lookUp = async (directory: Directory, d: ObjectDocument, options: ApplyOptions): Promise<Thing | undefined> =>
  directory.find(d.noun, d.name, await ownerOf(directory, d, options.project));

/** Undefined where the object, or an owner on the way to it, is not there. */
async function present(look: () => Promise<Thing | undefined>): Promise<Thing | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof OnehopError && error.code === "not_found") return undefined;
    throw error;
  }
}

type Step = (document: ObjectDocument) => Promise<Applied>;

/** One after the other, so that addresses and ranges are given out in the file's order; refusals are told at the end. */
class Run {
  readonly #options: ApplyOptions;
  readonly #done: Applied[] = [];
  readonly #refused: OnehopError[] = [];

  constructor(options: ApplyOptions) {
    this.#options = options;
  }

  done(applied: Applied): void {
    this.#done.push(applied);
    this.#options.onApplied?.(applied);
  }

  async each(documents: readonly ObjectDocument[], step: Step): Promise<void> {
    for (const document of documents) {
      try {
        this.done(await step(document));
      } catch (error) {
        if (!(error instanceof OnehopError) || error.detail.status >= 500) throw error;
        this.#refused.push(withLines(error, document));
      }
    }
  }

  end(): Applied[] {
    if (this.#refused.length) throw together(this.#refused, this.#done.length);
    return this.#done;
  }

  async all(documents: readonly ObjectDocument[], step: Step): Promise<Applied[]> {
    await this.each(documents, step);
    return this.end();
  }
}

/** The API's refusal in the file's terms: each problem with the line it speaks of. */
function withLines(error: OnehopError, document: ObjectDocument): OnehopError {
  const name = `${document.noun.kind}/${document.name}`;
  const problems = error.detail.errors?.length ? error.detail.errors : [{ pointer: "", detail: error.message }];
  const errors: FieldError[] = problems.map((p) => ({
    pointer: "",
    detail: `line ${document.lineOf(p.pointer)}: ${name}${p.pointer.replaceAll("/", ".")}: ${p.detail}`,
  }));
  return new OnehopError({ ...error.detail, message: errors[0]!.detail, errors });
}

/** The first refusal decides code and hint; all are told. */
function together(refused: readonly OnehopError[], applied: number): OnehopError {
  const { detail } = refused[0]!;
  const errors = refused.flatMap((e) => e.detail.errors ?? []);
  const message =
    errors.length === 1 ? errors[0]!.detail : `${errors.length} problems; ${applied} objects were applied.`;
  return new OnehopError({ ...detail, message, errors });
}

const result = (d: ObjectDocument, id: string, action: Action): Applied => ({
  kind: d.noun.kind,
  name: d.name,
  id,
  action,
});

const applier =
  (directory: Directory, api: Api, options: ApplyOptions): Step =>
  async (document) => {
    const { noun } = document;
    for (let attempt = 1; ; attempt++) {
      const { owner, body, found } = await resolve(directory, document, options.project);
      try {
        if (found) return await patchOne(directory, api, { document, body, found });
        const created = await api.request("POST", `/v1/${noun.plural}`, {
          name: document.name,
          ...labelsOf(document),
          ...body,
        });
        await directory.put(noun, owner, created.body as Thing);
        return result(document, (created.body as Thing).id, "created");
      } catch (error) {
        const raced = error instanceof OnehopError && (error.detail.status === 412 || error.code === "name_taken");
        if (!raced || attempt === ATTEMPTS) throw error;
        directory.forget(noun, owner);
      }
    }
  };

/** As applier, but asks only. */
const rehearser =
  (directory: Directory, options: ApplyOptions): Step =>
  async (document) => {
    const { owner, body, found } = await resolve(directory, document, options.project);
    if (!found) {
      await directory.plan(document.noun, owner, document.name);
      return result(document, "", "created");
    }
    const patch = difference(document.noun, { ...body, ...labelsOf(document) }, found);
    return result(document, found.id, Object.keys(patch).length === 0 ? "unchanged" : "configured");
  };

async function patchOne(
  directory: Directory,
  api: Api,
  { document, body, found }: { document: ObjectDocument; body: Readonly<Record<string, unknown>>; found: Thing },
): Promise<Applied> {
  const patch = difference(document.noun, { ...body, ...labelsOf(document) }, found);
  if (Object.keys(patch).length === 0) return result(document, found.id, "unchanged");
  const headers = { "if-match": `"${found.revision}"` };
  const answer = await api.request("PATCH", pathOf(document.noun, found.id), patch, headers);
  await directory.replace(document.noun, answer.body as Thing);
  return result(document, found.id, "configured");
}
