import { OnehopError } from "@onehop/core";
import type { Api, Thing } from "./api.ts";
import type { Directory } from "./directory.ts";
import type { ObjectDocument } from "./documents.ts";
import { labelsOf, type Resolved, resolve } from "./resolve.ts";

/** From so many new ports on they are sent together, and so many at once. */
const MANY = 20;
const AT_ONCE = 500;

export interface BulkWork {
  readonly api: Api;
  readonly directory: Directory;
  /** Owner of VPCs whose metadata names none. */
  readonly project?: string;
}

interface Missing extends Resolved {
  readonly document: ObjectDocument;
}

/**
 * Creates the ports among the documents that are not there yet, where they are many, and answers the other documents in
 * their order: whatever is in its way, a port that was not created here is better told of on its own.
 */
export async function createPorts(
  work: BulkWork,
  documents: readonly ObjectDocument[],
  created: (document: ObjectDocument, id: string) => void,
): Promise<readonly ObjectDocument[]> {
  if (documents.length < MANY) return documents;
  const missing = await missingPorts(work, documents);
  if (missing.length < MANY) return documents;
  const done = new Set<ObjectDocument>();
  for (let i = 0; i < missing.length; i += AT_ONCE)
    for (const [{ document, owner }, thing] of await createSome(work.api, missing.slice(i, i + AT_ONCE))) {
      await work.directory.put(document.noun, owner, thing);
      done.add(document);
      created(document, thing.id);
    }
  return documents.filter((d) => !done.has(d));
}

async function missingPorts(
  { directory, project }: BulkWork,
  documents: readonly ObjectDocument[],
): Promise<Missing[]> {
  const missing: Missing[] = [];
  for (const document of documents.filter((d) => d.noun.kind === "port")) {
    try {
      const resolved = await resolve(directory, document, project);
      if (!resolved.found) missing.push({ document, ...resolved });
    } catch (error) {
      if (!(error instanceof OnehopError) || error.detail.status >= 500) throw error;
    }
  }
  return missing;
}

interface Results {
  readonly results: readonly { readonly status: number; readonly object?: Thing }[];
}

/** The API stores all of a request or, where some items are wrong, nothing and names them: the others are sent again. */
async function createSome(api: Api, ports: readonly Missing[]): Promise<[Missing, Thing][]> {
  let left = ports;
  while (left.length > 0) {
    const items = left.map(({ document, body }) => ({ name: document.name, ...labelsOf(document), ...body }));
    try {
      const { results } = (await api.request("POST", "/v1/ports:bulk", { items })).body as Results;
      return left.flatMap((port, i): [Missing, Thing][] => (results[i]?.object ? [[port, results[i].object]] : []));
    } catch (error) {
      const wrong = wrongItems(error);
      if (wrong.size === 0) throw error;
      left = left.filter((_, i) => !wrong.has(i));
    }
  }
  return [];
}

function wrongItems(error: unknown): Set<number> {
  if (!(error instanceof OnehopError) || error.detail.status >= 500) return new Set();
  const places = (error.detail.errors ?? []).map((e) => /^\/items\/(\d+)(\/|$)/.exec(e.pointer)?.[1]);
  return new Set(places.filter((p) => p !== undefined).map(Number));
}
