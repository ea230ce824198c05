import { check, RollbackBody } from "@onehop/api";
import type { FastifyRequest } from "fastify";
import type { QueryValues } from "../api/read.ts";
import { refuseBody } from "../api/refusals.ts";
import { listHistory } from "../history/list.ts";
import { rollBack, tryRollback } from "../history/rollback.ts";
import { type App, callerIn } from "./app.ts";

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id.toLowerCase();

export const history = ({ store }: App, request: FastifyRequest): Promise<unknown> =>
  listHistory({ store, caller: callerIn(request), vpcId: idOf(request) }, request.query as QueryValues);

const checkBody = check(RollbackBody);

export async function rollback({ writer, contextOf }: App, request: FastifyRequest): Promise<unknown> {
  refuseBody(checkBody(request.body));
  const { to_revision: to, dry_run = false } = request.body as { to_revision: number; dry_run?: boolean };
  const caller = callerIn(request);
  const asked = { writer, context: contextOf(caller), vpcId: idOf(request), to };
  if (dry_run) return { ...(await tryRollback(asked)), dry_run };
  const done = await rollBack(asked);
  const { id: who, role } = caller;
  request.log.info(
    { who, role, verb: "rollback", kind: "vpc", id: asked.vpcId, to, changes: done.changes.length },
    "write",
  );
  return { ...done, dry_run };
}
