import Type, { type Static } from "typebox";
import type { Route } from "./routes.ts";

const Revision = (description: string) => Type.Integer({ minimum: 0, description });

const StoreState = Type.Object({
  epoch: Type.Integer({ minimum: 1, description: "one more each time that the store was accepted as it is" }),
  revision: Revision("of the store now"),
  frozen: Type.Boolean({ description: "whether it is not trusted: nothing is written or sent to hosts" }),
  reason: Type.Optional(Type.String({ description: "why it is frozen" })),
  seen: Type.Optional(
    Type.Object({
      epoch: Type.Integer({ minimum: 1 }),
      revision: Revision("that was seen and is not there any more"),
      by: Type.String({ description: "a controller or a host" }),
    }),
  ),
});
export type StoreState = Static<typeof StoreState>;

export const storeRoutes: readonly Route[] = [
  {
    id: "store.show",
    method: "GET",
    path: "/v1/store",
    summary: "Where the store is, and what was seen of it that is not there.",
    who: "admin",
    answers: { 200: StoreState },
  },
  {
    id: "store.accept",
    method: "POST",
    path: "/v1/store/accept",
    summary: "Use a frozen store as it is: its epoch is raised, and hosts follow it.",
    who: "admin",
    answers: { 200: StoreState },
  },
];
