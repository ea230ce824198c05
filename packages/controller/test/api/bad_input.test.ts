import { connect } from "node:net";
import { NETWORKS_PER_VPC, PORTS_PER_NETWORK } from "@onehop/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomUUID, refused, type Served, serve, world } from "./fixture.ts";

/** Each row: refused with 4xx, the field and a reason; nothing stored. */
let served: Served;
let w: Awaited<ReturnType<typeof world>>;
beforeAll(async () => {
  served = await serve();
  w = await world(served.root);
  await served.root.create("ports", {
    name: "taken",
    network_id: w.network.id,
    addresses: ["10.0.1.77"],
    mac: "0a:00:00:00:00:77",
  });
  await served.root.create("routes", {
    name: "r",
    vpc_id: w.vpc.id,
    destination: "172.16.0.0/12",
    next_hop: "10.0.1.9",
  });
});
afterAll(() => served.close());

type Row = readonly [
  title: string,
  plural: string,
  body: () => object,
  wanted: { status: number; pointer?: string; code?: string },
];

const vpc = (cidrs: unknown) => () => ({ name: "v2", project_id: w.project.id, cidrs });
const network = (fields: object) => () => ({ name: "n2", vpc_id: w.vpc.id, ...fields });
const port = (fields: object) => () => ({ name: "p2", network_id: w.network.id, ...fields });
const route = (fields: object) => () => ({ name: "r2", vpc_id: w.vpc.id, next_hop: "10.0.1.9", ...fields });
const host = (fields: object) => () => ({ name: "h2", tunnel_address: "192.0.2.9", ...fields });
const at = (pointer: string, status = 400, code?: string) => ({ status, pointer, ...(code ? { code } : {}) });

const rows: Row[] = [
  ["ranges of a VPC that overlap each other", "vpcs", vpc(["10.0.0.0/16", "10.0.4.0/24"]), at("/cidrs/1")],
  ["a range with host bits set", "vpcs", vpc(["10.0.0.1/16"]), at("/cidrs/0")],
  ["a loopback range", "vpcs", vpc(["127.0.0.0/16"]), at("/cidrs/0")],
  ["a link-local range", "vpcs", vpc(["169.254.0.0/16"]), at("/cidrs/0")],
  ["a multicast range", "vpcs", vpc(["224.0.0.0/8"]), at("/cidrs/0")],
  ["a reserved range", "vpcs", vpc(["240.0.0.0/8"]), at("/cidrs/0")],
  ["everything", "vpcs", vpc(["0.0.0.0/0"]), at("/cidrs/0")],
  ["an address with leading zeros", "vpcs", vpc(["010.0.0.0/16"]), at("/cidrs/0")],
  ["no ranges", "vpcs", vpc([]), at("/cidrs")],
  ["ranges that are no list", "vpcs", vpc("10.0.0.0/16"), at("/cidrs")],
  [
    "an unknown project",
    "vpcs",
    () => ({ name: "v", project_id: randomUUID(), cidrs: ["10.0.0.0/16"] }),
    at("/project_id", 400, "unknown_reference"),
  ],
  [
    "a VNI that is in use",
    "vpcs",
    () => ({ name: "v", project_id: w.project.id, cidrs: ["10.0.0.0/16"], vni: w.vpc.vni }),
    at("/vni", 409, "vni_taken"),
  ],
  [
    "a VNI out of 24 bits",
    "vpcs",
    () => ({ name: "v", project_id: w.project.id, cidrs: ["10.0.0.0/16"], vni: 2 ** 24 }),
    at("/vni"),
  ],
  ["a network that overlaps another", "networks", network({ cidr: "10.0.0.0/20" }), at("/cidr", 409, "cidr_overlap")],
  ["a network outside its VPC", "networks", network({ cidr: "10.1.0.0/24" }), at("/cidr")],
  ["a network with host bits set", "networks", network({ cidr: "10.0.2.1/24" }), at("/cidr")],
  ["a network too small", "networks", network({ cidr: "10.0.2.0/30" }), at("/cidr")],
  ["a gateway outside its network", "networks", network({ cidr: "10.0.2.0/24", gateway: "10.0.3.1" }), at("/gateway")],
  [
    "a gateway that is the broadcast address",
    "networks",
    network({ cidr: "10.0.2.0/24", gateway: "10.0.2.255" }),
    at("/gateway"),
  ],
  ["a name that is taken", "networks", network({ name: "front" }), at("/name", 409, "name_taken")],
  ["a name of 900 kB", "networks", network({ name: "n".repeat(900_000) }), at("/name")],
  ["a name with a slash", "networks", network({ name: "a/b" }), at("/name")],
  ["an address given twice", "ports", port({ addresses: ["10.0.1.8", "10.0.1.8"] }), at("/addresses/1")],
  ["an address that is in use", "ports", port({ addresses: ["10.0.1.77"] }), at("/addresses/0", 409, "address_taken")],
  ["an address outside the network", "ports", port({ addresses: ["10.0.2.8"] }), at("/addresses/0")],
  ["the gateway's address", "ports", port({ addresses: ["10.0.1.1"] }), at("/addresses/0")],
  ["the network's own address", "ports", port({ addresses: ["10.0.1.0"] }), at("/addresses/0")],
  ["the broadcast address", "ports", port({ addresses: ["10.0.1.8", "10.0.1.255"] }), at("/addresses/1")],
  ["an IPv6 address", "ports", port({ addresses: ["fe80::1"] }), at("/addresses/0")],
  ["a MAC that is in use", "ports", port({ mac: "0a:00:00:00:00:77" }), at("/mac", 409, "mac_taken")],
  ["a group MAC", "ports", port({ mac: "01:00:5e:00:00:01" }), at("/mac")],
  ["a router's MAC", "ports", port({ mac: "02:00:00:00:00:01" }), at("/mac")],
  ["an unknown host", "ports", port({ host_id: randomUUID() }), at("/host_id", 400, "unknown_reference")],
  ["a device without a host", "ports", port({ device: { kind: "adopt", name: "tap0" } }), at("/device")],
  [
    "a device name for a shell",
    "ports",
    () => ({ ...port({ host_id: w.host.id })(), device: { kind: "adopt", name: "x;reboot" } }),
    at("/device/name"),
  ],
  ["an unknown network", "ports", () => ({ network_id: randomUUID() }), at("/network_id", 400, "unknown_reference")],
  [
    "allowed addresses in a multicast range",
    "ports",
    port({ allowed_addresses: ["224.0.0.0/24"] }),
    at("/allowed_addresses/0"),
  ],
  ["a derived field", "ports", port({ binding_revision: 7 }), at("/binding_revision")],
  [
    "a second route to the same destination",
    "routes",
    route({ destination: "172.16.0.0/12" }),
    at("/destination", 409, "route_exists"),
  ],
  ["a route with host bits set", "routes", route({ destination: "172.16.0.1/12" }), at("/destination")],
  ["a route to multicast", "routes", route({ destination: "239.0.0.0/8" }), at("/destination")],
  [
    "a next hop outside the VPC",
    "routes",
    route({ destination: "192.0.2.0/24", next_hop: "192.168.0.1" }),
    at("/next_hop"),
  ],
  [
    "a tunnel address that is in use",
    "hosts",
    host({ tunnel_address: "192.0.2.1" }),
    at("/tunnel_address", 409, "tunnel_taken"),
  ],
  ["a loopback tunnel address", "hosts", host({ tunnel_address: "127.0.0.1" }), at("/tunnel_address")],
  ["a host number that is in use", "hosts", host({ number: 1 }), at("/number", 409, "number_taken")],
  ["a host number beyond the last", "hosts", host({ number: 4096 }), at("/number")],
  ["a host of another kind", "hosts", host({ kind: "router" }), at("/kind")],
  ["a project without a name", "projects", () => ({}), at("/name")],
  ["a project name that is taken", "projects", () => ({ name: "shop" }), at("/name", 409, "name_taken")],
  ["a negative quota", "projects", () => ({ name: "x", quotas: { ports: -1 } }), at("/quotas/ports")],
  ["an id that is no UUID", "projects", () => ({ name: "x", id: "1" }), at("/id")],
  ["a body that is a list", "projects", () => [], at("")],
];

test.each(rows)("%s is refused with the field, and nothing is stored", async (_title, plural, body, wanted) => {
  await refused(served, () => served.root.request("POST", `/v1/${plural}`, body()), wanted);
});

test("a VPC's ranges cannot leave out its networks or next hops", async () => {
  const patch = (cidrs: string[]) => () => served.root.patch("vpcs", w.vpc.id, { cidrs });
  await refused(served, patch(["10.1.0.0/16"]), { status: 409, pointer: "/cidrs", code: "in_use" });
  await refused(served, patch(["10.0.1.0/30"]), { status: 409, pointer: "/cidrs" });
  await refused(served, patch(["10.0.0.0/16", "10.0.0.0/8"]), { status: 400, pointer: "/cidrs/1" });
});

test("a name of 10 MB is refused before it is read", async () => {
  const body = { name: "n".repeat(10 << 20), vpc_id: w.vpc.id };
  await refused(served, () => served.root.request("POST", "/v1/networks", body), {
    status: 413,
    code: "body_too_large",
  });
});

test("malformed JSON is refused with a sentence, and so is nesting without end", async () => {
  const raw = async (payload: string) => {
    const { app } = served.server;
    const { secret } = await makeToken();
    const headers = { "content-type": "application/json", authorization: `Bearer ${secret}` };
    return app.inject({ method: "POST", url: "/v1/vpcs", headers, payload });
  };
  for (const text of ['{"name": ', "{'a': 1}", "nonsense", '{"a":1}}', "\u0000", "[".repeat(500_000)]) {
    const answer = await raw(text);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().detail).toMatch(/not valid JSON|nested deeper/);
  }
  expect((await raw("")).json()).toMatchObject({ status: 400, code: "invalid" });
});

const makeToken = async () =>
  (await served.root.request("POST", "/v1/tokens", { name: "t", role: "admin" })).body as { secret: string };

test("bytes that are no HTTP are answered and harm nobody", async () => {
  const { port } = new URL(served.url);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), "127.0.0.1", () => socket.write("\x16\x03\x01 nonsense\r\n\r\n"));
    socket.once("data", (data) => resolve(data.toString()));
  });
  expect(answer).toMatch(/^HTTP\/1.1 400/);
  expect((await served.root.request("GET", "/healthz")).status).toBe(200);
});

test("Q6: the 254th network of a VPC is refused, and nothing is stored", async () => {
  const vpc = await served.root.create("vpcs", { name: "full", project_id: w.project.id, cidrs: ["10.0.0.0/8"] });
  for (let i = 0; i < NETWORKS_PER_VPC; i++) await served.root.create("networks", { vpc_id: vpc.id });
  const create = (cidr?: string) => () => served.root.create("networks", { vpc_id: vpc.id, ...(cidr ? { cidr } : {}) });
  await refused(served, create(), { status: 409, code: "network_limit" });
  await refused(served, create("10.200.0.0/24"), { status: 409, code: "network_limit" });
});

test("the 1,025th port of a network is refused, and nothing is stored", async () => {
  const vpc = await served.root.create("vpcs", { name: "wide", project_id: w.project.id, cidrs: ["10.0.0.0/16"] });
  const wide = await served.root.create("networks", { vpc_id: vpc.id, cidr: "10.0.0.0/16" });
  const items = Array.from({ length: PORTS_PER_NETWORK }, () => ({ network_id: wide.id }));
  await served.root.request("POST", "/v1/ports:bulk", { items });
  const create = () => served.root.create("ports", { network_id: wide.id });
  await refused(served, create, { status: 409, code: "port_limit" });
  const bulk = () => served.root.request("POST", "/v1/ports:bulk", { items: items.slice(0, 1) });
  await refused(served, bulk, { status: 409, code: "port_limit", pointer: "/items/0" });
});

test("a full network is refused with what to do", async () => {
  const small = await served.root.create("networks", { vpc_id: w.vpc.id, name: "small", cidr: "10.0.9.0/29" });
  for (let i = 0; i < 5; i++) await served.root.create("ports", { network_id: small.id });
  const detail = await refused(served, () => served.root.create("ports", { network_id: small.id }), {
    status: 409,
    code: "address_exhausted",
  });
  expect(detail.hint).toContain("Delete ports");
});

test("a VPC may use the underlay's own range", async () => {
  const made = await served.root.create("vpcs", {
    name: "same",
    project_id: w.project.id,
    cidrs: ["192.0.2.0/24", "8.8.0.0/16"],
  });
  expect(made.cidrs).toEqual(["192.0.2.0/24", "8.8.0.0/16"]);
});
