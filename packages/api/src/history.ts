import { vpc } from "@onehop/core";
import Type from "typebox";
import type { Route } from "./routes.ts";
import { PAGE_DEFAULT, PAGE_MAX } from "./schemas.ts";

const kind = Type.String({ description: "vpc, network, port or route" });

const HistoryChange = Type.Object({
  at: Type.String({ format: "date-time" }),
  who: Type.String({ description: '"root", or the id of the token' }),
  action: Type.Union([Type.Literal("created"), Type.Literal("updated"), Type.Literal("deleted")]),
  kind,
  id: Type.String({ format: "uuid" }),
  name: Type.String(),
  before: Type.Optional(Type.Unknown({ description: "the object as it was; missing where it was created" })),
  after: Type.Optional(Type.Unknown({ description: "the object as it became; missing where it was deleted" })),
  restores: Type.Optional(Type.Integer({ description: "the revision that a rollback brought back" })),
});

const HistoryPage = Type.Object({
  items: Type.Array(Type.Object({ revision: Type.Integer(), changes: Type.Array(HistoryChange) })),
  oldest_revision: Type.Optional(Type.Integer({ description: "the oldest one that can be rolled back to" })),
  next_page_token: Type.Optional(Type.String({ description: "missing on the last page" })),
});

export const RollbackBody = Type.Object(
  {
    to_revision: Type.Integer({
      minimum: 1,
      description: "the VPC becomes what it was when this revision had just been written",
    }),
    dry_run: Type.Optional(Type.Boolean({ description: "tell what would be done, and do nothing" })),
  },
  { additionalProperties: false },
);

const RolledBack = Type.Object({
  vpc_id: Type.String({ format: "uuid" }),
  to_revision: Type.Integer(),
  dry_run: Type.Boolean(),
  at_once: Type.Boolean({ description: "in one transaction; false where it is larger than one can be" }),
  revision: Type.Optional(Type.Integer({ description: "of the last transaction; missing where nothing was written" })),
  changes: Type.Array(
    Type.Object({
      action: Type.Union(["create", "update", "delete", "keep"].map((a) => Type.Literal(a))),
      kind,
      id: Type.String({ format: "uuid" }),
      name: Type.String(),
      fields: Type.Optional(
        Type.Record(Type.String(), Type.Object({ from: Type.Unknown(), to: Type.Unknown() }), {
          description: "of an update: what each was and what it becomes",
        }),
      ),
      kept: Type.Optional(
        Type.Array(Type.String(), { description: "fields left as they are: only admins may set them" }),
      ),
    }),
  ),
});

/** What a VPC was, and the way back. Deleted VPCs count, for as long as their history is kept. */
export const historyRoutes: readonly Route[] = [
  {
    id: "vpcs.history",
    method: "GET",
    path: "/v1/vpcs/{id}/history",
    noun: vpc,
    verb: "history",
    summary: "What changed in a VPC, its networks, ports and routes included, newest first.",
    who: "reader",
    query: {
      limit: Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT, description: "revisions in a page" }),
      page_token: Type.String({ description: "next_page_token of the page before" }),
    },
    answers: { 200: HistoryPage },
  },
  {
    id: "vpcs.rollback",
    method: "POST",
    path: "/v1/vpcs/{id}/rollback",
    noun: vpc,
    verb: "rollback",
    summary: "Bring a VPC back to an earlier revision, checked like any write: all of it, or 409 and nothing.",
    who: "member",
    body: RollbackBody,
    answers: { 200: RolledBack },
  },
];
