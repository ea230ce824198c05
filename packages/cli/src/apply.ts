import { isDeepStrictEqual } from "node:util";
import { type FieldError, type Kind, NOUNS, type Noun, nounOf, OnehopError } from "@onehop/core";
import type { Api, Thing } from "./api.ts";
import { Directory } from "./directory.ts";
import { type ObjectDocument, parseDocuments } from "./documents.ts";
import { pathOf, refOf } from "./objects.ts";

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
  return run(documents, options, applier(new Directory(api), api, options));
}

/** Deletes what a file describes, children first. What is gone already is `absent`, not an error. */
export async function deleteDocuments(api: Api, text: string, options: ApplyOptions = {}): Promise<Applied[]> {
  const documents = inOrder(parseDocuments(text), "children first");
  const directory = new Directory(api);
  return run(documents, options, async (document) => {
    const found = await present(() => lookUp(directory, document, options));
    if (found) await api.request("DELETE", pathOf(document.noun, found.id));
    return result(document, found?.id ?? "", found ? "deleted" : "absent");
  });
}

const lookUp = async (directory: Directory, d: ObjectDocument, options: ApplyOptions): Promise<Thing | undefined> =>
  directory.find(d.noun, d.name, await ownerOf(directory, d, options));

/** Undefined where the object, or an owner on the way to it, is not there. */
async function present(look: () => Promise<Thing | undefined>): Promise<Thing | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof OnehopError && error.code === "not_found") return undefined;
    throw error;
  }
}

function inOrder(documents: readonly ObjectDocument[], order: "parents first" | "children first"): ObjectDocument[] {
  const rank = (d: ObjectDocument): number => NOUNS.findIndex((n) => n.kind === d.noun.kind);
  const sorted = [...documents].sort((a, b) => rank(a) - rank(b));
  return order === "parents first" ? sorted : sorted.reverse();
}

type Step = (document: ObjectDocument) => Promise<Applied>;

/** One after the other, so that addresses and ranges are given out in the file's order. */
async function run(documents: readonly ObjectDocument[], options: ApplyOptions, step: Step): Promise<Applied[]> {
  const done: Applied[] = [];
  const refused: OnehopError[] = [];
  for (const document of documents) {
    try {
      const applied = await step(document);
      done.push(applied);
      options.onApplied?.(applied);
    } catch (error) {
      if (!(error instanceof OnehopError) || error.detail.status >= 500) throw error;
      refused.push(withLines(error, document));
    }
  }
  if (refused.length) throw together(refused, done.length);
  return done;
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
    const owner = await ownerOf(directory, document, options);
    const body = await resolvedSpec(directory, document, owner);
    for (let attempt = 1; ; attempt++) {
      const found = await directory.find(noun, document.name, owner);
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

const labelsOf = (d: ObjectDocument): { labels?: Readonly<Record<string, string>> } =>
  d.labels ? { labels: d.labels } : {};

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

/** A merge patch (RFC 7396) of the fields that differ; a difference in a field that is for life is refused. */
function difference(noun: Noun, wanted: Readonly<Record<string, unknown>>, found: Thing): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  const fixed: FieldError[] = [];
  for (const [field, value] of Object.entries(wanted)) {
    if (holds(found[field] ?? null, value)) continue;
    if (field === "labels" || noun.fields[field]?.mutable) patch[field] = value;
    else fixed.push({ pointer: `/${field}`, detail: `is ${JSON.stringify(found[field])} and cannot be changed` });
  }
  if (fixed.length === 0) return patch;
  throw new OnehopError({
    code: "immutable",
    status: 409,
    message: `${noun.kind} ${found.name} differs in fields that are for life.`,
    errors: fixed,
    hint: `onehop ${noun.kind} delete ${found.id}, then apply again.`,
  });
}

/** Whether `have` has all that `want` says; objects may have more (labels and quotas that the file does not name). */
function holds(have: unknown, want: unknown): boolean {
  const plain = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);
  if (plain(have) && plain(want)) return Object.entries(want).every(([k, v]) => isDeepStrictEqual(have[k], v));
  return isDeepStrictEqual(have, want);
}

/** Id of the direct owner, or undefined where the noun has none. */
async function ownerOf(directory: Directory, d: ObjectDocument, options: ApplyOptions): Promise<string | undefined> {
  const { parent } = d.noun;
  if (!parent) return undefined;
  const owners = { ...(options.project ? { project: options.project } : {}), ...d.owners };
  const own = d.spec[parent.field];
  const ref = typeof own === "string" ? own : owners[parent.kind];
  if (ref === undefined)
    throw new OnehopError({
      code: "invalid",
      status: 400,
      message: `metadata.${parent.kind} is missing: the name of its ${parent.kind}`,
    });
  return directory.idOf(nounOf(parent.kind), ref, owners);
}

async function resolvedSpec(directory: Directory, document: ObjectDocument, owner: string | undefined) {
  const { noun } = document;
  const body: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(document.spec)) {
    const kind = refOf(field, noun.fields[field]!);
    body[field] =
      kind && typeof value === "string" ? await directory.idOf(nounOf(kind), value, document.owners) : value;
  }
  if (noun.parent && owner !== undefined) body[noun.parent.field] = owner;
  return body;
}
