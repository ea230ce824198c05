import { AJV_FORMATS, openapi, PAGE_MAX, ROUTES, type Route } from "@onehop/api";
import { type Kind, NOUNS, type Noun } from "@onehop/core";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refusal, type Served, serve } from "./fixture.ts";

/** Every route of the table is called as its noun's example says, and what comes back is what the document promises. */
let served: Served;
const made: Partial<Record<Kind, string>> = {};

beforeAll(async () => {
  served = await serve();
  served.status.answers = (hostId, what, portId) => ({ hostId, what, portId });
  for (const noun of NOUNS) await createExample(noun);
});
afterAll(() => served.close());

/** The example's references are names, as in a file; here they become ids. */
async function createExample(noun: Noun): Promise<void> {
  const refs = Object.entries(noun.fields).filter(([name, f]) => f.ref && name in noun.example);
  const body = { ...noun.example, ...Object.fromEntries(refs.map(([name, f]) => [name, made[f.ref as Kind]])) };
  if (noun.kind === "port") Object.assign(body, { host_id: made.host });
  const answer = await served.root.request("POST", `/v1/${noun.plural}`, body);
  made[noun.kind] = (answer.body as { id: string }).id;
  check("POST", `/v1/${noun.plural}`, answer);
}

const ajv = new Ajv2020({ strict: false, formats: AJV_FORMATS });
const document = openapi("0.1.0") as { paths: Record<string, Record<string, { responses: Record<string, Answer> }>> };
type Answer = { content?: Record<string, { schema: object }> };
ajv.addSchema({ $id: "openapi", ...document });

function check(method: string, path: string, answer: { status: number; body: unknown; headers: object }): void {
  const promised = document.paths[path]?.[method.toLowerCase()]?.responses[answer.status];
  expect(promised, `${method} ${path} answered ${answer.status}`).toBeDefined();
  const schema = Object.values(promised?.content ?? {})[0]?.schema;
  const validate = ajv.compile(JSON.parse(JSON.stringify(schema ?? false).replaceAll('"#/', '"openapi#/')));
  if (schema) expect(validate(answer.body), JSON.stringify(validate.errors)).toBe(true);
  else expect(answer.body).toBeUndefined();
}

const reading = ROUTES.filter((r) => r.method === "GET");
test.each(reading.map((r) => [r.id, r] as const))("%s answers what the document promises", async (_id, route) => {
  const answer = await served.root.request("GET", pathOf(route));
  expect(answer.status).toBe(200);
  check("GET", route.path, answer);
});

const pathOf = (r: Route): string => r.path.replace("{id}", (r.noun && made[r.noun.kind]) || "");

test.each(NOUNS.map((n) => [n.plural, n] as const))("%s: filters, labels and pages work", async (plural, noun) => {
  const id = made[noun.kind]!;
  await served.root.request("PATCH", `/v1/${plural}/${id}`, { labels: { tier: "gold" } });
  const found = async (query: string) =>
    ((await served.root.request("GET", `/v1/${plural}?${query}`)).body as { items: { id: string }[] }).items.map(
      (o) => o.id,
    );
  const { name } = (await served.root.request("GET", `/v1/${plural}/${id}`)).body as { name: string };
  expect(await found(`name=${name}`)).toEqual([id]);
  expect(await found(`id=${id}&limit=${PAGE_MAX}`)).toEqual([id]);
  expect(await found("label=tier%3Dgold")).toEqual([id]);
  expect(await found("label=tier%3Dsilver")).toEqual([]);
  expect(await found("name=nobody")).toEqual([]);
  const detail = await refusal(found("nam=x"));
  expect(detail).toMatchObject({ status: 400, hint: "Did you mean name?" });
});

test.each(NOUNS.map((n) => [n.plural, n] as const))(
  "%s: an unknown field is refused by pointer",
  async (plural, noun) => {
    const create = served.root.request("POST", `/v1/${plural}`, { ...noun.example, colour: "red" });
    expect((await refusal(create)).errors?.map((e) => e.pointer)).toContain("/colour");
    const patch = served.root.request("PATCH", `/v1/${plural}/${made[noun.kind]}`, { labls: {} });
    expect(await refusal(patch)).toMatchObject({ status: 400, hint: "Did you mean labels?" });
  },
);

test("what is not derived may be given on creation; what is not mutable may not be patched", async () => {
  for (const noun of NOUNS)
    for (const [name, field] of Object.entries(noun.fields)) {
      if (field.mutable) continue;
      const detail = await refusal(
        served.root.request("PATCH", `/v1/${noun.plural}/${made[noun.kind]}`, { [name]: 1 }),
      );
      expect(detail.errors).toEqual([{ pointer: `/${name}`, detail: "cannot be changed after creation" }]);
    }
});

test("another method is 405 with Allow, another path 404, another media type 415", async () => {
  expect(await refusal(served.root.request("PUT", "/v1/vpcs", {}))).toMatchObject({
    status: 405,
    code: "method_not_allowed",
  });
  expect(await refusal(served.root.request("DELETE", "/v1/ports:bulk"))).toMatchObject({ status: 405 });
  expect(await refusal(served.root.request("GET", "/v1/routers"))).toMatchObject({ status: 404, code: "unknown_path" });
  expect(await refusal(served.root.request("GET", "/v1/%zz"))).toMatchObject({ status: 400 });
  const text = served.root.request("POST", "/v1/vpcs", {}, { "content-type": "text/plain" });
  expect(await refusal(text)).toMatchObject({ status: 415, code: "unsupported_media_type" });
  expect(await refusal(served.root.request("GET", "/v1/vpcs/not-an-id"))).toMatchObject({
    status: 404,
    code: "not_found",
  });
});

test("a problem has all members of RFC 9457 and the request's id", async () => {
  const { app } = served.server;
  const answer = await app.inject({ method: "GET", url: "/nowhere?x=1", headers: { "x-request-id": "abc-1" } });
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.headers["x-request-id"]).toBe("abc-1");
  expect(answer.json()).toEqual({
    type: "urn:onehop:error:unknown_path",
    title: "Not Found",
    status: 404,
    detail: "There is nothing at /nowhere.",
    instance: "/nowhere?x=1",
    request_id: "abc-1",
    code: "unknown_path",
    hint: "GET /openapi.json lists all there is.",
  });
});
