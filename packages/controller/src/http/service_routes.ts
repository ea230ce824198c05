import { openapi } from "@onehop/api";
import { keys } from "@onehop/store";
import { createToken, deleteToken, listTokens } from "../auth/tokens.ts";
import { type App, callerIn, type Serve } from "./app.ts";
import type { Metrics } from "./metrics.ts";

/** Handlers of the routes that belong to no noun, by route id. */
export function serviceHandlers(app: App, metrics: Metrics): Readonly<Record<string, Serve>> {
  const document = openapi(app.version);
  return {
    healthz: async () => ({ status: "ok" }),
    // The view was loaded before the server was made; what can fail later is the store.
    readyz: async () => {
      const { revision } = await app.store.range({ prefix: keys.objects, limit: 1, keysOnly: true });
      return { status: "ok", revision };
    },
    version: async () => ({ version: app.version, api: "v1" }),
    openapi: async () => document,
    metrics: async (_request, reply) => {
      reply.header("content-type", metrics.registry.contentType);
      return metrics.registry.metrics();
    },
    "tokens.list": async () => ({ items: await listTokens(app.store) }),
    "tokens.create": async (request, reply) => {
      const made = await createToken(app.store, request.body, app.contextOf(callerIn(request)));
      request.log.info({ who: callerIn(request).id, token: made.id, role: made.role }, "token made");
      reply.code(201);
      return made;
    },
    "tokens.delete": async (request, reply) => {
      const { id } = request.params as { id: string };
      await deleteToken(app.store, id);
      request.log.info({ who: callerIn(request).id, token: id }, "token revoked");
      return reply.code(204).send();
    },
  };
}
