import type { Who } from "@onehop/api";
import { OnehopError } from "@onehop/core";

/** Who asks. `id` tells callers apart where retries are remembered: "root", or a token's id. */
export interface Caller {
  readonly id: string;
  readonly role: "admin" | "member" | "reader";
  /** The only project it sees; admins see all. */
  readonly project_id?: string;
}

/** Whoever can open the unix socket. */
export const ROOT: Caller = { id: "root", role: "admin" };

const RANK = { reader: 1, member: 2, admin: 3 } as const;

export const sees = (caller: Caller, projectId: string): boolean =>
  caller.role === "admin" || caller.project_id === projectId;

/** Throws 403 where the caller's role does not reach. */
export function demand(caller: Caller, who: Exclude<Who, "anyone">): void {
  if (RANK[caller.role] >= RANK[who]) return;
  throw new OnehopError({
    code: "forbidden",
    status: 403,
    message: `The role ${caller.role} may not do this; it takes ${who}.`,
    hint: "Use a token with that role, or root's unix socket.",
  });
}
