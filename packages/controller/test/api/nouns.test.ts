import { afterEach, beforeEach, expect, test } from "vitest";
import { randomUUID, type Served, serve, world } from "./fixture.ts";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

test("every noun is created, shown, listed, changed and deleted", async () => {
  const { root } = served;
  const { project, vpc, network, host } = await world(root);
  const port = await root.create("ports", { name: "web-1", network_id: network.id, addresses: ["10.0.1.5"] });
  const hop = { name: "to-branch", vpc_id: vpc.id, destination: "172.16.0.0/12", next_hop: "10.0.1.9" };
  const route = await root.create("routes", hop);
  const all = { projects: project, hosts: host, vpcs: vpc, networks: network, ports: port, routes: route };
  for (const [plural, object] of Object.entries(all) as [keyof typeof all, { id: string; revision: number }][]) {
    expect(await root.get(plural, object.id)).toEqual(object);
    expect(await root.list(plural)).toEqual([object]);
    const changed = await root.patch(plural, object.id, { labels: { tier: "1" } });
    expect(changed.labels).toEqual({ tier: "1" });
    expect(changed.revision).toBeGreaterThan(object.revision);
  }
  for (const plural of ["routes", "ports", "networks", "vpcs", "hosts", "projects"] as const) {
    await root.delete(plural, all[plural].id);
    expect(await root.list(plural)).toEqual([]);
  }
});

test("the system fills in what the user leaves out", async () => {
  const { root } = served;
  const { project, vpc, network, host } = await world(root);
  expect(host).toMatchObject({ number: 1, kind: "onehop", roles: ["compute"] });
  expect(project.quotas).toEqual({ vpcs: 16, networks: 1024, ports: 100_000, routes: 4096 });
  expect(network).toMatchObject({ project_id: project.id, gateway: "10.0.1.1" });
  expect(vpc.vni).toBeGreaterThanOrEqual(4096);
  expect(network.vni).not.toBe(vpc.vni);
  const port = await root.create("ports", { network_id: network.id });
  expect(port).toMatchObject({ vpc_id: vpc.id, addresses: ["10.0.1.2"], name: `port-${port.id}` });
  expect(port.mac).toMatch(/^0a(:[0-9a-f]{2}){5}$/);
  expect(port.status.state).toBe("realised");
  const id = randomUUID();
  expect((await root.create("ports", { id, network_id: network.id })).addresses).toEqual(["10.0.1.3"]);
});
