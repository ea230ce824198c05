import type { Noun } from "@onehop/core";
import Type, { type TSchema } from "typebox";
import { EVENT_STREAM, NDJSON } from "./media.ts";

/** One event of a watch, as both formats carry it. */
export interface WatchEvent<T = unknown> {
  readonly type: "added" | "modified" | "deleted" | "bookmark" | "error";
  /** Where to resume: all up to this revision has been told. Missing while more of the same revision follows. */
  readonly id?: number;
  /** Of the object: modified without a new one means that only its status is new. Of a bookmark: as `id`. */
  readonly revision?: number;
  /** As in a list; of a deleted one, as it was last. */
  readonly object?: T;
  /** Of an error, which ends the stream: problem details (RFC 9457). */
  readonly problem?: { readonly status: number; readonly code: string; readonly detail: string };
}

export const watchEventSchema = (n: Noun): TSchema =>
  Type.Object({
    type: Type.Union(["added", "modified", "deleted", "bookmark", "error"].map((t) => Type.Literal(t))),
    id: Type.Optional(Type.Integer({ description: "where to resume; missing while more of the same step follows" })),
    revision: Type.Optional(Type.Integer()),
    object: Type.Optional(Type.Ref(n.kind)),
    problem: Type.Optional(Type.Ref("problem")),
  });

export const watchQuery: Readonly<Record<string, TSchema>> = {
  watch: Type.Literal("true", {
    description: `stream what changes, as ${EVENT_STREAM} or, where accepted, ${NDJSON}; without limit and page_token`,
  }),
  from_revision: Type.Integer({
    minimum: 1,
    description:
      "tell all after this revision, such as a list's; 410 where it is forgotten: list again. Without it, or Last-Event-ID, all objects come first",
  }),
};
