import type { Project, project } from "@onehop/core";
import { keys } from "@onehop/store";
import type { Given, Handler } from "./handler.ts";

export const projects: Handler<Project, Given<typeof project>> = {
  create: async (_draft, given) => given,
  // Quotas may be set below what is used: nothing is taken away, but nothing is added either.
  change: async (_draft, { after }) => after,
  async remove(draft, { id }) {
    draft.deletePrefixes.add(keys.quota(id, ""));
  },
};
