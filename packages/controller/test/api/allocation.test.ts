import { afterEach, expect, test } from "vitest";
import { ManualClock, MemoryStore, refusal, type Served, serve, world } from "./fixture.ts";

const open: Served[] = [];
afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});
async function started(options: Parameters<typeof serve>[0] = {}) {
  const served = await serve(options);
  open.push(served);
  return served.root;
}

test("Q7: networks get the third octets 1 to 253 of a /16 one after the other, as /24s", async () => {
  const root = await started();
  const project = await root.create("projects", { name: "shop" });
  const vpc = await root.create("vpcs", { project_id: project.id, cidrs: ["10.7.0.0/16"] });
  const cidrs: string[] = [];
  for (let i = 1; i <= 253; i++) cidrs.push((await root.create("networks", { vpc_id: vpc.id })).cidr);
  expect(cidrs).toEqual(Array.from({ length: 253 }, (_, i) => `10.7.${i + 1}.0/24`));
});

test("Q6: 253 networks have 253 VNIs, unique in the region; the 254th is refused", async () => {
  const root = await started();
  const project = await root.create("projects", { name: "shop" });
  const vnis: number[] = [];
  for (const cidr of ["10.0.0.0/16", "10.0.0.0/16"]) {
    const vpc = await root.create("vpcs", { project_id: project.id, cidrs: [cidr] });
    vnis.push(vpc.vni);
    for (let i = 0; i < 253; i++) vnis.push((await root.create("networks", { vpc_id: vpc.id })).vni);
    const detail = await refusal(root.create("networks", { vpc_id: vpc.id }));
    expect(detail).toMatchObject({ status: 409, code: "network_limit", fields: { limit: 253 } });
    expect(detail.message).toContain("253 networks");
  }
  expect(new Set(vnis).size).toBe(2 * 254);
});

test("Q6: a freed VNI is not given out again before it has rested", async () => {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  const root = await started({ store, clock, limits: { vniFrom: 7000, vniTo: 7002, vniRest: 300 } });
  const { vpc, network } = await world(root);
  const third = await root.create("networks", { vpc_id: vpc.id });
  await root.delete("networks", network.id);
  const asked = () => root.create("networks", { vpc_id: vpc.id, vni: network.vni });
  const any = () => root.create("networks", { vpc_id: vpc.id });
  expect(await refusal(asked())).toMatchObject({
    code: "vni_resting",
    retry_after: 300,
    errors: [{ pointer: "/vni" }],
  });
  expect(await refusal(any())).toMatchObject({ code: "vni_exhausted", retry_after: 300 });
  await clock.advance(299_000);
  expect((await refusal(any())).code).toBe("vni_exhausted");
  await clock.advance(40_000);
  expect((await any()).vni).toBe(network.vni);
  expect(new Set([vpc.vni, third.vni, network.vni]).size).toBe(3);
});

test("a freed address rests before it is given out or asked for again", async () => {
  const clock = new ManualClock();
  const root = await started({ store: new MemoryStore({ clock }), clock });
  const { network } = await world(root);
  const port = await root.create("ports", { network_id: network.id });
  expect(port.addresses).toEqual(["10.0.1.2"]);
  await root.delete("ports", port.id);
  const next = await root.create("ports", { network_id: network.id });
  expect(next.addresses).toEqual(["10.0.1.3"]);
  const asked = () => root.create("ports", { network_id: network.id, addresses: ["10.0.1.2"] });
  expect(await refusal(asked())).toMatchObject({ code: "address_resting", retry_after: 60 });
  await clock.advance(67_000);
  expect((await asked()).addresses).toEqual(["10.0.1.2"]);
});

test("the next range skips what users chose, goes on in the VPC's other ranges, and ends with a clear refusal", async () => {
  const root = await started();
  const project = await root.create("projects", { name: "shop" });
  const vpc = await root.create("vpcs", { project_id: project.id, cidrs: ["10.1.0.0/22", "10.2.9.128/26"] });
  await root.create("networks", { vpc_id: vpc.id, cidr: "10.1.2.64/26" });
  const next = async () => (await root.create("networks", { vpc_id: vpc.id })).cidr;
  expect([await next(), await next(), await next()]).toEqual(["10.1.1.0/24", "10.1.3.0/24", "10.2.9.128/26"]);
  expect(await refusal(next())).toMatchObject({ status: 409, code: "range_exhausted" });
  expect((await root.create("networks", { vpc_id: vpc.id, cidr: "10.1.0.0/24" })).gateway).toBe("10.1.0.1");
});

test("Q1: a VPC takes any range, also public ones and the underlay's own; Q2: VPCs may be identical", async () => {
  const root = await started();
  await root.create("hosts", { name: "h1", tunnel_address: "192.0.2.1" });
  const made = [];
  for (const name of ["a", "b"]) {
    const project = await root.create("projects", { name });
    const vpc = await root.create("vpcs", { name: "v", project_id: project.id, cidrs: ["192.0.2.0/24", "8.8.8.0/24"] });
    const network = await root.create("networks", { name: "n", vpc_id: vpc.id, cidr: "192.0.2.0/24" });
    const body = { name: "p", network_id: network.id, addresses: ["192.0.2.9"], mac: "0a:00:00:00:00:01" };
    made.push(await root.create("ports", body));
  }
  expect(made[0]!.addresses).toEqual(made[1]!.addresses);
});

test("host numbers are the lowest free, or the one asked for", async () => {
  const root = await started();
  const host = (i: number, number?: number) =>
    root.create("hosts", { name: `h${i}`, tunnel_address: `192.0.2.${i}`, ...(number ? { number } : {}) });
  const numbers = [await host(1), await host(2, 3), await host(3), await host(4)].map((h) => h.number);
  expect(numbers).toEqual([1, 3, 2, 4]);
});
