import { statSync } from "node:fs";
import { Client } from "@onehop/api";
import { NOUNS } from "@onehop/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dump, randomUUID, refusal, refused, type Served, serve, world } from "./fixture.ts";

let served: Served;
let shop: Awaited<ReturnType<typeof world>>;
let bank: Awaited<ReturnType<typeof world>>;
const clients: Client[] = [];
beforeEach(async () => {
  served = await serve();
  shop = await world(served.root);
  bank = await world(served.root, { project: "bank" });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await served.close();
});

function connect(token?: string): Client {
  const client = new Client({ url: served.url, ...(token === undefined ? {} : { token }) });
  clients.push(client);
  return client;
}

interface Made {
  readonly id: string;
  readonly secret: string;
}
async function token(role: string, project_id?: string): Promise<Made> {
  const body = { name: `${role}-token`, role, ...(project_id ? { project_id } : {}) };
  return (await served.root.request("POST", "/v1/tokens", body)).body as Made;
}
const as = async (role: string, project_id?: string) => connect((await token(role, project_id)).secret);

test("over TCP nothing is told without a token, and a wrong one is 401", async () => {
  const wrong = [undefined, "nonsense", `oh_${"A".repeat(43)}`, "x".repeat(8000), "oh_/../../"];
  for (const secret of wrong) {
    const call = () => connect(secret).request("POST", "/v1/projects", { name: "n".repeat(900) });
    await refused(served, call, { status: 401, code: "unauthenticated" });
  }
  const answer = await served.server.app.inject({ method: "GET", url: "/v1/vpcs" });
  expect([answer.statusCode, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
});

test("the unix socket is root's alone", async () => {
  const path = served.server.app.server ? await served.server.listen(`unix:/tmp/oh-api-${randomUUID()}.sock`) : "";
  expect(statSync(path.slice("unix:".length)).mode & 0o777).toBe(0o600);
});

test("a socket that a killed process left is taken over, one that is served is not", async () => {
  const address = `unix:/tmp/oh-api-${randomUUID()}.sock`;
  const other = await serve();
  await other.server.listen(address);
  await expect(served.server.listen(address)).rejects.toThrow("is served by another process");
  await other.close();
  await served.server.listen(address);
});

test("foreign objects are not found, not listed, not changed and not referred to", async () => {
  const member = await as("member", shop.project.id);
  const port = await served.root.create("ports", { network_id: bank.network.id });
  const foreign = { projects: bank.project.id, vpcs: bank.vpc.id, networks: bank.network.id, ports: port.id } as const;
  for (const [plural, id] of Object.entries(foreign) as [keyof typeof foreign, string][]) {
    expect((await refusal(member.get(plural, id))).status).toBe(404);
    const listed = await member.list(plural);
    expect(listed.map((o) => o.id)).not.toContain(id);
    if (plural === "projects") continue;
    await refused(served, () => member.patch(plural, id, { labels: { a: "1" } }), { status: 404 });
    await refused(served, () => member.delete(plural, id), { status: 404 });
  }
  expect((await member.list("vpcs", { project_id: bank.project.id })).length).toBe(0);
  const into = () => member.create("ports", { network_id: bank.network.id });
  await refused(served, into, { status: 400, code: "unknown_reference", pointer: "/network_id" });
  const vpc = () => member.create("vpcs", { project_id: bank.project.id, cidrs: ["10.0.0.0/16"] });
  await refused(served, vpc, { status: 400, pointer: "/project_id" });
  const theft = () => member.create("ports", { id: port.id, network_id: shop.network.id });
  expect((await refused(served, theft, { status: 409, code: "id_taken" })).message).not.toContain(bank.network.id);
});

test("a member writes what is its project's, and reads hosts", async () => {
  const member = await as("member", shop.project.id);
  const vpc = await member.create("vpcs", { name: "mine", cidrs: ["10.0.0.0/16"] });
  expect(vpc.project_id).toBe(shop.project.id);
  const network = await member.create("networks", { vpc_id: vpc.id });
  const port = await member.create("ports", { network_id: network.id });
  expect((await member.list("hosts")).map((h) => h.name).toSorted()).toEqual(["h-bank", "h-shop"]);
  expect((await member.get("hosts", shop.host.id)).number).toBe(shop.host.number);
  await member.delete("ports", port.id);
});

test("a member may not do what is an admin's", async () => {
  const member = await as("member", shop.project.id);
  const denied = (call: () => Promise<unknown>) => refused(served, call, { status: 403, code: "forbidden" });
  await denied(() => member.create("projects", { name: "x" }));
  await denied(() => member.patch("projects", shop.project.id, { quotas: { ports: 10_000_000 } }));
  await denied(() => member.create("hosts", { name: "x", tunnel_address: "192.0.2.77" }));
  await denied(() => member.delete("hosts", shop.host.id));
  await denied(() => member.request("GET", "/v1/tokens"));
  await denied(() => member.request("POST", "/v1/tokens", { name: "x", role: "admin" }));
  await denied(() => member.request("GET", `/v1/hosts/${shop.host.id}/datapath`));
});

test("fields that are an admin's are refused to members, on creation, in bulk and in patches", async () => {
  const member = await as("member", shop.project.id);
  const body = { network_id: shop.network.id, host_id: shop.host.id };
  const denied = (call: () => Promise<unknown>, pointer: string) =>
    refused(served, call, { status: 403, code: "field_forbidden", pointer });
  await denied(() => member.create("ports", body), "/host_id");
  await denied(
    () => member.request("POST", "/v1/ports:bulk", { items: [{ network_id: shop.network.id }, body] }),
    "/items/1/host_id",
  );
  const port = await member.create("ports", { network_id: shop.network.id });
  await denied(() => member.patch("ports", port.id, { host_id: shop.host.id }), "/host_id");
  await denied(() => member.patch("ports", port.id, { device: null }), "/device");
  await denied(() => member.create("vpcs", { cidrs: ["10.0.0.0/16"], vni: 5 }), "/vni");
  await denied(() => member.create("vpcs", { cidrs: ["10.0.0.0/16"], max_learned: 65_536 }), "/max_learned");
});

test("a reader reads and writes nothing", async () => {
  const reader = await as("reader", shop.project.id);
  expect(await reader.list("networks")).toHaveLength(1);
  for (const noun of NOUNS) {
    const call = () => reader.request("POST", `/v1/${noun.plural}`, noun.example);
    await refused(served, call, { status: 403, code: "forbidden" });
  }
  await refused(served, () => reader.delete("networks", shop.network.id), { status: 403 });
});

test("an admin token sees every project", async () => {
  const admin = await as("admin");
  expect(await admin.list("vpcs")).toHaveLength(2);
  await admin.create("projects", { name: "third" });
});

test("a token's secret is told once and is not in the store; a revoked token is refused at once", async () => {
  const { id, secret } = await token("member", shop.project.id);
  expect(secret).toMatch(/^oh_[A-Za-z0-9_-]{43}$/);
  expect(await dump(served.store)).not.toContain(secret);
  expect(served.logs.join("")).not.toContain(secret);
  const { items } = (await served.root.request("GET", "/v1/tokens")).body as { items: object[] };
  expect(items).toEqual([
    { id, name: "member-token", role: "member", project_id: shop.project.id, created_at: "2026-01-01T00:00:00.000Z" },
  ]);
  const member = connect(secret);
  expect(await member.list("vpcs")).toHaveLength(1);
  await served.root.request("DELETE", `/v1/tokens/${id}`);
  expect((await refusal(member.list("vpcs"))).status).toBe(401);
  expect((await refusal(served.root.request("DELETE", `/v1/tokens/${id}`))).status).toBe(404);
});

test("tokens that make no sense are refused, and a project with tokens is in use", async () => {
  const make = (body: object) => () => served.root.request("POST", "/v1/tokens", body);
  await refused(served, make({ name: "t", role: "member" }), { status: 400, pointer: "/project_id" });
  await refused(served, make({ name: "t", role: "admin", project_id: shop.project.id }), {
    status: 400,
    pointer: "/project_id",
  });
  await refused(served, make({ name: "t", role: "member", project_id: randomUUID() }), {
    status: 400,
    pointer: "/project_id",
  });
  await refused(served, make({ name: "t", role: "root" }), { status: 400, pointer: "/role" });
  const project = await served.root.create("projects", { name: "empty" });
  const { id } = await token("reader", project.id);
  const remove = () => served.root.delete("projects", project.id);
  expect((await refused(served, remove, { status: 409, code: "in_use" })).fields).toEqual({
    used_by: [{ kind: "token", id }],
  });
  await served.root.request("DELETE", `/v1/tokens/${id}`);
  await remove();
});
