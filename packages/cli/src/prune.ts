import { type Kind, NOUNS, type Noun, nounOf } from "@onehop/core";
import type { Api } from "./api.ts";
import { parseDocuments } from "./documents.ts";
import { usage } from "./exit.ts";
import { findId, listThings, pathOf } from "./objects.ts";

export interface PruneOptions {
  /** `key=value`, all of which an object must have. */
  readonly selector: readonly string[];
  readonly project?: string;
  readonly dryRun?: true;
  readonly onPruned: (kind: Kind, name: string) => void;
}

/**
 * Deletes objects that have the labels and are not in the files: of the kinds in the files, in the projects that the files
 * name; children first. Hosts and projects belong to no project and are left alone.
 */
export async function pruneDocuments(
  api: Api,
  texts: readonly string[],
  kept: readonly { readonly id: string }[],
  options: PruneOptions,
): Promise<void> {
  const documents = texts.flatMap((text) => parseDocuments(text));
  const kinds = NOUNS.filter((n: Noun) => n.scope === "project" && documents.some((d) => d.noun.kind === n.kind));
  const own = documents.map((d) => (d.noun.kind === "project" ? d.name : (d.owners.project ?? options.project)));
  const projects = new Set(own.filter((p) => p !== undefined));
  if (projects.size === 0)
    throw usage("--prune must know the project: name it in metadata.project, or with --project.");
  const ids = new Set(kept.map((k) => k.id));
  const places: string[] = [];
  for (const name of projects) {
    const id = await idOrNone(api, name);
    if (id !== undefined) places.push(id);
  }
  for (const noun of kinds.reverse())
    for (const project_id of places)
      for (const thing of await listThings(api, noun, { project_id, label: options.selector })) {
        if (ids.has(thing.id)) continue;
        if (!options.dryRun) await api.request("DELETE", pathOf(noun, thing.id));
        options.onPruned(noun.kind, thing.name);
      }
}

/** None: a project that a dry run would only have created. */
async function idOrNone(api: Api, name: string): Promise<string | undefined> {
  const [found] = await listThings(api, nounOf("project"), { name });
  return found?.id ?? (await findId(api, nounOf("project"), name).catch(() => undefined));
}
