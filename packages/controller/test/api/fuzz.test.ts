import { NOUNS } from "@onehop/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Served, serve, world } from "./fixture.ts";

/** Whatever is sent: an answer that is no 5xx, and a problem that says what is wrong. */
let served: Served;
let ids: string[];
let secret: string;
beforeAll(async () => {
  served = await serve();
  const w = await world(served.root);
  const port = await served.root.create("ports", { network_id: w.network.id });
  ids = [w.project.id, w.vpc.id, w.network.id, w.host.id, port.id];
  secret = ((await served.root.request("POST", "/v1/tokens", { name: "t", role: "admin" })).body as { secret: string })
    .secret;
});
afterAll(() => served.close());

const RUNS = process.env.ONEHOP_FULL ? 5000 : 500;

/** Values that look like what fields take, so that more than the first check is reached. */
const plausible = fc.oneof(
  fc.constantFrom("10.0.1.7", "10.0.1.0/24", "10.0.0.0/16", "0a:00:00:00:00:01", "front", "", "192.0.2.1", "__proto__"),
  fc.constantFrom(0, 1, -1, 2 ** 24, 2 ** 53, 1e308),
  fc.constantFrom<unknown>(null, true, [], {}, { kind: "veth", namespace: "g" }, { kind: "adopt" }, { ports: 0 }),
  fc.nat({ max: 4 }).map((i) => ids[i]),
);
const value = fc.oneof(
  { weight: 3, arbitrary: plausible },
  { weight: 1, arbitrary: fc.array(plausible, { maxLength: 3 }) },
  fc.json().map((j) => JSON.parse(j) as unknown),
);
const names = [...new Set(["id", "name", "labels", "items", "role", ...NOUNS.flatMap((n) => Object.keys(n.fields))])];
const body = fc.dictionary(fc.constantFrom(...names, "__proto__", "constructor", "x"), value, { maxKeys: 6 });
const plural = fc.constantFrom(...NOUNS.map((n) => n.plural), "tokens", "ports:bulk");

async function send(method: "POST" | "PATCH" | "GET" | "DELETE", url: string, payload?: string) {
  const headers = {
    authorization: `Bearer ${secret}`,
    ...(payload === undefined ? {} : { "content-type": "application/json" }),
  };
  const answer = await served.server.app.inject({
    method,
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  if (answer.statusCode >= 400)
    expect(answer.json()).toMatchObject({ status: answer.statusCode, code: /./, detail: /./ });
  expect(answer.statusCode, answer.body).toBeLessThan(500);
}

test("no body makes a creation fail with 5xx", async () => {
  await fc.assert(
    fc.asyncProperty(plural, body, (path, b) => send("POST", `/v1/${path}`, JSON.stringify(b))),
    { numRuns: RUNS },
  );
});

test("no list of items makes a bulk fail with 5xx", async () => {
  const items = fc.array(body, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(items, (b) => send("POST", "/v1/ports:bulk", JSON.stringify({ items: b }))),
    { numRuns: RUNS },
  );
});

test("no patch fails with 5xx", async () => {
  const path = fc.tuple(plural, fc.nat({ max: 4 })).map(([p, i]) => `/v1/${p}/${ids[i]}`);
  await fc.assert(
    fc.asyncProperty(path, body, (p, b) => send("PATCH", p, JSON.stringify(b))),
    { numRuns: RUNS },
  );
});

test("no text in place of a body fails with 5xx", async () => {
  await fc.assert(
    fc.asyncProperty(plural, fc.string(), (p, text) => send("POST", `/v1/${p}`, text)),
    { numRuns: RUNS },
  );
});

test("no path or query fails with 5xx", async () => {
  const query = fc.webQueryParameters();
  const path = fc.oneof(
    fc.webPath(),
    plural.map((p) => `/v1/${p}`),
    fc.webSegment().map((s) => `/v1/ports/${s}`),
  );
  await fc.assert(
    fc.asyncProperty(path, query, (p, q) => send("GET", `${p || "/"}?${q}`)),
    { numRuns: RUNS },
  );
});
