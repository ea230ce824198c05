import { type Noun, nounOf, OnehopError } from "@onehop/core";
import { stringify } from "yaml";
import type { Api, Thing } from "./api.ts";
import { Directory } from "./directory.ts";
import { type ObjectDocument, ownersOf, parseDocuments } from "./documents.ts";
import { getThing, refOf } from "./objects.ts";
import { inOrder } from "./order.ts";
import { difference, holds, labelsOf, type Resolved, resolve } from "./resolve.ts";

export interface Difference {
  /** `port/shop/prod/front/web-1`: behind the owners that the file names. */
  readonly title: string;
  /** YAML of what the document speaks of, as it is and as the document has it; empty where there is no object. */
  readonly before: string;
  readonly after: string;
  /** Why applying would be refused. */
  readonly problem?: string;
}

/** What applying a file would change, object by object, parents first. */
export async function diffDocuments(api: Api, text: string, project?: string): Promise<Difference[]> {
  const directory = new Directory(api);
  const found: Difference[] = [];
  for (const document of inOrder(parseDocuments(text), "parents first")) {
    const resolved = await resolve(directory, document, project);
    if (!resolved.found) await directory.plan(document.noun, resolved.owner, document.name);
    const difference = await differenceOf(api, document, resolved);
    if (difference) found.push(difference);
  }
  return found;
}

async function differenceOf(api: Api, document: ObjectDocument, resolved: Resolved): Promise<Difference | undefined> {
  const { noun, spec } = document;
  const title = titleOf(document);
  const { body, found } = resolved;
  const wanted = { ...labelsOf(document), ...body };
  if (!found) return { title, before: "", after: stringify({ ...labelsOf(document), ...spec }) };
  if (Object.entries(wanted).every(([f, v]) => holds(found[f] ?? null, v))) return undefined;
  const is: Record<string, unknown> = {};
  const becomes: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(wanted)) {
    // The owner is named in metadata, and cannot differ.
    if (field !== "labels" && !(field in spec)) continue;
    const shown = spec[field] ?? value;
    becomes[field] = merged(found[field], shown);
    is[field] = holds(found[field] ?? null, value) ? becomes[field] : await nameOf(api, noun, field, found);
  }
  return { title, before: stringify(is), after: stringify(becomes), ...problemOf(noun, wanted, found) };
}

function titleOf({ noun, owners, name }: ObjectDocument): string {
  const outermostFirst = ownersOf(noun).reverse();
  return [noun.kind, ...outermostFirst.flatMap((kind) => owners[kind] ?? []), name].join("/");
}

/** As a merge patch leaves it: members that the file does not name stay, unless the kind is another. */
function merged(have: unknown, want: unknown): unknown {
  const plain = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);
  if (!plain(have) || !plain(want) || (want.kind !== undefined && want.kind !== have.kind)) return want;
  return { ...have, ...want };
}

/** A field's value; of a reference the name. */
async function nameOf(api: Api, noun: Noun, field: string, { [field]: value }: Thing): Promise<unknown> {
  const definition = noun.fields[field];
  const kind = definition && refOf(field, definition);
  if (!kind || typeof value !== "string") return value ?? null;
  return (await getThing(api, nounOf(kind), value)).name;
}

function problemOf(noun: Noun, wanted: Readonly<Record<string, unknown>>, found: Thing): { problem?: string } {
  try {
    difference(noun, wanted, found);
    return {};
  } catch (error) {
    if (!(error instanceof OnehopError)) throw error;
    return { problem: (error.detail.errors ?? []).map((e) => `${e.pointer.slice(1)} ${e.detail}`).join("; ") };
  }
}
