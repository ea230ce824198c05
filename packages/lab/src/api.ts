/** What the lab uses of the CLI's side of the API. */
export type { Api, Thing } from "@onehop/cli/api";
export { applyDocuments } from "@onehop/cli/apply";
export { listThings } from "@onehop/cli/objects";
