import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { HostPlan, NetworkSlice, SliceId } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { NetnsWorld, PlanServer, run, until } from "./netns_world.ts";
import { addressOf, type PortSpec, planOf, portId } from "./world.ts";

const prefix = `ohagt${process.pid}`;
let world: NetnsWorld;
let controller: PlanServer;

const guest = (spec: PortSpec): PortSpec => ({
  ...spec,
  device: { kind: "veth", namespace: `${prefix}-${spec.name}` },
});
const a1 = guest({ name: "a1", host: 1 });
const a2 = guest({ name: "a2", host: 2 });
const b3 = guest({ name: "b3", host: 2, network: 2 });
const t4: PortSpec = { name: "t4", host: 1, device: { kind: "adopt", name: "v4" } };

const plan = (ports: readonly PortSpec[]) =>
  Promise.all([controller.set("h1", planOf(1, ports)), controller.set("h2", planOf(2, ports))]);
const ping = (from: PortSpec, to: PortSpec, ...options: string[]) =>
  run("ip", "netns", "exec", `${prefix}-${from.name}`, "ping", "-c", "1", "-W", "2", ...options, addressOf(to));
const devices = (host: string) =>
  world
    .on(host, "ip", "-br", "link")
    .split("\n")
    .map((line) => line.split(/[ @]/)[0]);
const ownLink = (spec: PortSpec) => `oh${portId(spec.name).slice(-12)}`;
const mapIds = (host: string) =>
  readdirSync(world.pins(host))
    .filter((name) => name.endsWith("_v1"))
    .map((name) => JSON.parse(run("bpftool", "-j", "map", "show", "pinned", join(world.pins(host), name))).id);
const start = (host: string) => world.startAgent(host, controller.address);

/** VPCs with a network and a port on the host, each of them with a router of its own. */
function withRouters(base: HostPlan, count: number): HostPlan {
  const more = new Map(base);
  const slices: SliceId[] = [...base.keys()];
  for (let n = 0; n < count; n++) {
    const [vni, id] = [10_000 + 2 * n, `router-${n}`];
    const port = { name: `r${n}`, host: 1 };
    const networks = [...planOf(1, [port]).values()].filter((s) => s.type === "network" && s.ports.length > 0);
    const [network] = networks as NetworkSlice[];
    const [bare] = network!.ports.map(({ device: _device, ...rest }) => ({ ...rest, id: portId(`r${n}`) }));
    more.set(`vpc/${id}`, { type: "vpc", vpc_id: id, vni, cidrs: ["10.0.0.0/16"], routes: [] });
    more.set(`network/${id}`, { ...network!, network_id: id, vpc_id: id, vpc_vni: vni, vni: vni + 1, ports: [bare!] });
    slices.push(`vpc/${id}`, `network/${id}`);
  }
  return more.set("host/h1", { type: "host", host_id: "h1", number: 1, slices });
}

beforeAll(() => {
  world = new NetnsWorld(prefix);
  controller = new PlanServer(join(world.dir, "agents.sock"));
  start("h1");
  start("h2");
});
// What the agents said is gone with the world; a failure shows it.
beforeEach(() => onTestFailed(() => console.error(world.log("h1").slice(-4000), world.log("h2").slice(-4000))));
afterAll(async () => {
  controller?.close();
  await world?.close();
});

describe("an agent on a real kernel", () => {
  it("makes guests' links that reach each other, in a network and between networks, on one host and on two", async () => {
    const reports = await plan([a1, a2, b3]);
    expect(reports.map((r) => r.degraded)).toEqual([[], []]);
    expect(ping(a1, a2)).toContain("ttl=64");
    expect(ping(a1, b3)).toContain("ttl=63");
    expect(ping(a2, b3)).toContain("ttl=63");
    const link = run("ip", "-n", `${prefix}-a1`, "-br", "addr", "show", "eth0");
    expect(link).toContain(`${addressOf(a1)}/24`);
    expect(run("ip", "-n", `${prefix}-a1`, "route", "show", "default")).toContain("10.0.1.1");
  });

  it("keeps the host as it is, whatever is planned: 1,000 routers add no device, namespace, address, route or rule (D7)", async () => {
    const tables = () => [
      world.on("h1", "ip", "-br", "addr"),
      world.on("h1", "ip", "-br", "link"),
      world.on("h1", "ip", "route", "show", "table", "all"),
      world.on("h1", "ip", "rule"),
      run("ip", "netns", "list")
        .split("\n")
        .map((line) => line.split(" ")[0])
        .filter((name) => name?.startsWith(prefix)),
      world.on("h1", "nft", "list", "ruleset"),
    ];
    await plan([a1, a2]);
    const before = tables();
    await controller.set("h1", withRouters(planOf(1, [a1, a2]), 1000));
    expect(tables()).toEqual(before);
    expect(ping(a1, a2)).toContain("ttl=64");
    await plan([a1, a2]);
  });

  it("adopts a device; without it the port alone is degraded, and heals when it comes back", async () => {
    const [missing] = await plan([a1, a2, t4]);
    expect(missing?.degraded).toEqual([{ port_id: portId("t4"), reason: "Its device v4 is not there." }]);
    const make = () => {
      run("ip", "netns", "add", `${prefix}-t4`);
      world.on("h1", "ip", "link", "add", "v4", "type", "veth", "peer", "name", "eth0", "netns", `${prefix}-t4`);
      const inside = ["-n", `${prefix}-t4`];
      run("ip", ...inside, "link", "set", "eth0", "address", "0a:00:00:00:01:04", "up");
      run("ip", ...inside, "addr", "add", `${addressOf(t4)}/24`, "dev", "eth0");
    };
    const healed = () => until("it is healed", () => controller.reports.get("h1")?.degraded.length === 0 || undefined);
    make();
    await healed();
    expect(ping(t4, a1)).toContain("ttl=64");
    expect(ping(t4, a2)).toContain("ttl=64");
    run("ip", "netns", "del", `${prefix}-t4`);
    await until("its loss is told", () => controller.reports.get("h1")?.degraded[0]?.reason);
    expect(ping(a1, a2)).toContain("ttl=64");
    make();
    await healed();
    expect(ping(t4, a2)).toContain("ttl=64");
    await plan([a1, a2]);
    expect(world.on("h1", "ip", "link", "show", "v4")).toContain("state DOWN");
  });

  it("killed and started again, adopts maps, links and slots; nothing is lost meanwhile (Q20)", async () => {
    await plan([a1, a2]);
    const maps = mapIds("h1");
    const links = readdirSync(join(world.pins("h1"), "links")).sort();
    const probe = spawn("ip", ["netns", "exec", `${prefix}-a1`, "ping", "-q", "-i", "0.002", addressOf(a2)]);
    let summary = "";
    probe.stdout.on("data", (text) => {
      summary += text;
    });
    const ended = new Promise((resolve) => probe.once("exit", resolve));
    for (let n = 0; n < 2; n++) {
      await world.killAgent("h1");
      controller.reports.delete("h1");
      start("h1");
      await until("it reports again", () => controller.reports.get("h1"));
      // A change right after the restart is applied by the new one.
      await plan(n === 0 ? [a1, a2, b3] : [a1, a2]);
    }
    probe.kill("SIGINT");
    await ended;
    expect(summary).toContain(" 0% packet loss");
    expect(mapIds("h1")).toEqual(maps);
    expect(readdirSync(join(world.pins("h1"), "links")).sort()).toEqual(links);
  });

  it("started with no controller and an empty kernel, restores everything from its disk", async () => {
    await plan([a1, a2, b3]);
    await world.killAgent("h1");
    controller.close();
    for (const name of readdirSync(join(world.pins("h1"), "links"))) run("rm", join(world.pins("h1"), "links", name));
    for (const name of readdirSync(world.pins("h1"))) if (name !== "links") run("rm", join(world.pins("h1"), name));
    expect(() => ping(a1, a2)).toThrow();
    start("h1");
    await until(
      "the link is guarded again",
      () => existsSync(join(world.pins("h1"), "links", `endpoint_${portId("a1")}`)) || undefined,
    );
    await until("it pings", () => {
      try {
        return ping(a1, a2);
      } catch {
        return undefined;
      }
    });
    expect(ping(a1, b3)).toContain("ttl=63");
    controller = new PlanServer(join(world.dir, "agents.sock"), 2);
    await plan([a1, a2, b3]);
  });

  it("takes away what it made when a port goes: link, namespace and pins", async () => {
    await plan([a2, b3]);
    expect(devices("h1")).not.toContain(ownLink(a1));
    expect(run("ip", "netns", "list")).not.toContain(`${prefix}-a1`);
    expect(readdirSync(join(world.pins("h1"), "links")).filter((name) => name.startsWith("endpoint"))).toEqual([]);
  });

  it("moves a port to another host by an unbind and a bind (Q22)", async () => {
    await plan([a1, a2]);
    const moved = guest({ name: "a2", host: 1 });
    await plan([a1]);
    await plan([a1, moved]);
    expect(ping(a1, moved)).toContain("ttl=64");
    expect(devices("h1")).toContain(ownLink(moved));
  });
});
