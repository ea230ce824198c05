import { isScalar, parseAllDocuments } from "yaml";
import { namespaceOf } from "./names.ts";

/**
 * The same documents with the lab's id in front of each guest's namespace, so that two labs may apply the same file.
 * Nothing else changes, so that what the API says of a line is true of the file's.
 */
export function placeInLab(yaml: string, labId: string): string {
  const documents = parseAllDocuments(yaml);
  if (!Array.isArray(documents)) return yaml;
  let placed = yaml;
  for (const document of documents.reverse()) {
    const node = document.getIn(["spec", "device", "namespace"], true);
    if (!isScalar(node) || typeof node.value !== "string" || !node.range) continue;
    const [start, end] = node.range;
    placed = placed.slice(0, start) + namespaceOf(labId, node.value) + placed.slice(end);
  }
  return placed;
}
