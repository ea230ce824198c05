import { BODY_LIMIT, BULK_BODY_LIMIT, methodsOf, ROUTES, type Route } from "@onehop/api";
import { OnehopError } from "@onehop/core";
import { StoreError } from "@onehop/store";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import { Leases } from "../allocate/leases.ts";
import { Writer } from "../api/writer.ts";
import { demand, ROOT } from "../auth/caller.ts";
import { callerOf } from "../auth/tokens.ts";
import { demandThawed, storeHandlers } from "../epoch/routes.ts";
import { LIMITS } from "../handlers/handler.ts";
import { NO_KEYS } from "../join/keyring.ts";
import { joinHandlers } from "../join/routes.ts";
import { NO_AGENTS, unanswered } from "../look/agents.ts";
import { careful } from "../look/answers.ts";
import { lookHandlers } from "../look/routes.ts";
import { type App, makeContext, type Serve, type ServerOptions } from "./app.ts";
import { parseBody } from "./body.ts";
import { Listeners } from "./listeners.ts";
import { type Metrics, makeMetrics } from "./metrics.ts";
import { nounVerbs } from "./noun_routes.ts";
import { impatient } from "./patience.ts";
import { detailOf, problemOf } from "./problem.ts";
import { serviceHandlers } from "./service_routes.ts";

export type { ServerOptions } from "./app.ts";

export interface ApiServer {
  readonly app: FastifyInstance;
  /** Serves on `unix:/path` (root's, mode 0600), `tcp:host:port` or `tls:host:port` (bearer tokens); answers the client's url. */
  listen(address: string): Promise<string>;
  close(): Promise<void>;
}

const noKeys = async (): Promise<never> => {
  throw unanswered("this server knows no reports of hosts");
};

/** The API over one store. Several of them, in one process or many, may serve the same store. */
export function createServer(options: ServerOptions): ApiServer {
  const closing = new AbortController();
  const store = impatient(options.store, options.clock);
  const { status, clock, keyring, version = "0.1.0" } = options;
  // Whatever is written is planned upon what is read there: a store that was put back is noticed before.
  const written = options.sentry ? impatient(options.sentry.guarded, options.clock) : store;
  const leases = new Leases(written, clock);
  const contextOf = makeContext(options, leases, { ...LIMITS, ...options.limits });
  const writer = new Writer(written, leases, options.followed);
  const metrics = makeMetrics(options.view, version, options.registry);
  const app = makeFastify(options);
  const listeners = new Listeners((request, response) => app.routing(request, response), keyring);
  const whoAsks = async (request: FastifyRequest) =>
    listeners.isRoot(request.raw) ? ROOT : callerOf(store, request.headers.authorization);
  const agents = careful(options.agents ?? NO_AGENTS, options.logger);
  const nonce = () => 1 + (Buffer.from(options.random(4)).readUInt32BE() % 65_535);
  const shared: App = {
    agents,
    rotateKey: options.rotateKey ?? noKeys,
    nonce,

    store,
    writer,
    sentry: options.sentry,
    status,
    clock,
    version,
    closing: closing.signal,
    contextOf,
    view: options.view,
    watches: { open: 0 },
    joining: () => ({ store, keys: keyring?.keys ?? NO_KEYS, random: options.random, wall: options.wall }),
    whoAsks,
  };
  app.addHook("onSend", async (_request, reply) => {
    // A connection that is kept would keep the server from ending.
    if (closing.signal.aborted) reply.header("connection", "close");
  });
  authenticate(app, shared);
  measure(app, metrics);
  answerProblems(app, metrics);
  addRoutes(app, shared, metrics);
  return {
    app,
    async listen(address) {
      await app.ready();
      return listeners.listen(address);
    },
    async close() {
      closing.abort();
      await listeners.close();
      await app.close();
    },
  };
}

function makeFastify({ logger, random }: ServerOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ requestIdLogLabel: "request_id" }),
    bodyLimit: BODY_LIMIT,
    return503OnClosing: false,
    genReqId: ({ headers }) => requestId(headers["x-request-id"]) ?? Buffer.from(random(8)).toString("hex"),
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(["application/json", "application/merge-patch+json"], { parseAs: "string" }, parseJson);
  return app as unknown as FastifyInstance;
}

const parseJson = async (_request: FastifyRequest, body: string | Buffer): Promise<unknown> => parseBody(String(body));

const requestId = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(header) ? header : undefined;

/** Before the body is read: who asks, and may they. */
function authenticate(app: FastifyInstance, { whoAsks, sentry }: App): void {
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    const route = request.routeOptions.config.route;
    if (!route) return;
    if (route.who === "anyone") return demandThawed(route, sentry);
    const caller = await whoAsks(request);
    demand(caller, route.who);
    demandThawed(route, sentry);
    request.caller = caller;
  });
}

function measure(app: FastifyInstance, { requests, seconds }: Metrics): void {
  app.addHook("onResponse", async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.config.route?.path ?? "unknown" };
    requests.inc({ ...labels, code: String(reply.statusCode) });
    seconds.observe(labels, reply.elapsedTime / 1000);
  });
}

function answerProblems(app: FastifyInstance, { storeErrors }: Metrics): void {
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof StoreError) storeErrors.inc({ code: error.code });
    return sendProblem(error, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0]!;
    const methods = methodsOf(path);
    if (methods) reply.header("allow", methods.join(", "));
    const status = methods ? 405 : 404;
    const message = methods ? `${request.method} is not for ${path}.` : `There is nothing at ${path.slice(0, 200)}.`;
    const hint = methods ? `Allowed: ${methods.join(", ")}.` : "GET /openapi.json lists all there is.";
    const code = methods ? "method_not_allowed" : "unknown_path";
    return sendProblem(new OnehopError({ code, status, message, hint }), request, reply);
  });
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = detailOf(error);
  if (detail.status >= 500) request.log.error({ err: error }, detail.message);
  if (detail.retry_after !== undefined) reply.header("retry-after", String(detail.retry_after));
  if (detail.status === 401) reply.header("www-authenticate", "Bearer");
  const problem = problemOf(detail, { instance: request.url, request_id: request.id });
  return reply
    .code(detail.status)
    .header("content-type", "application/problem+json")
    .send(Buffer.from(JSON.stringify(problem)));
}

function addRoutes(app: FastifyInstance, shared: App, metrics: Metrics): void {
  const service = {
    ...serviceHandlers(shared, metrics),
    ...lookHandlers(shared),
    ...joinHandlers(shared),
    ...storeHandlers(shared),
  };
  for (const route of ROUTES)
    app.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ":$1").replace(":bulk", "::bulk"),
      config: { route },
      ...(route.verb === "bulk" ? { bodyLimit: BULK_BODY_LIMIT } : {}),
      handler: handlerOf(route, shared, service),
    });
}

function handlerOf(route: Route, shared: App, service: Readonly<Record<string, Serve>>): Serve {
  const { noun, verb } = route;
  const serve = noun && verb ? nounVerbs(shared, noun)[verb] : service[route.id];
  if (!serve) throw new Error(`nothing serves ${route.id}`);
  return serve;
}
