import { invalid } from "@onehop/core";

/** Strong validator of an object: the revision of its last change (RFC 9110 section 8.8). */
export const etag = (revision: number): string => `"${revision}"`;

/** What If-Match lets through, or undefined where there is none. Weak tags never match (RFC 9110 section 13.1.1). */
export function ifMatch(header: string | undefined): ((revision: number) => boolean) | undefined {
  if (header === undefined) return undefined;
  const tags = tagsOf(header);
  return (revision) => tags.includes("*") || tags.includes(etag(revision));
}

/** Whether If-None-Match says that the client has this revision already; here weak tags do match (section 13.1.2). */
export function isHeld(header: string | undefined, revision: number): boolean {
  if (header === undefined) return false;
  const tags = tagsOf(header).map((t) => t.replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag(revision));
}

const tagsOf = (header: string): string[] => header.split(",").map((t) => t.trim());

/** The Idempotency-Key of a request, or undefined. */
export function idempotencyKeyOf(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  throw invalid("", "The Idempotency-Key must be 1 to 255 printable ASCII characters.");
}
