import { describe, expect, it, vi } from "vitest";
import { reaches } from "../src/kernel/fake.ts";
import { addressOf, FakeHost, type PortSpec, planOf, portId } from "./world.ts";

const a1: PortSpec = { name: "a1", host: 1 };
const a2: PortSpec = { name: "a2", host: 2 };
const b3: PortSpec = { name: "b3", host: 1, network: 2 };
const tapped: PortSpec = { name: "t4", host: 1, device: { kind: "adopt", name: "tap4" } };

/** Named sets of ports that are walked in every order. */
const STATES: Readonly<Record<string, readonly PortSpec[]>> = {
  empty: [],
  oneEach: [a1, a2],
  allOnOne: [a1, { ...a2, host: 1 }, b3],
  swapped: [
    { ...a1, host: 2 },
    { ...a2, host: 1 },
  ],
  otherNetwork: [b3, a2],
  adopted: [a1, a2, tapped],
  sameNamespace: [{ ...b3, device: { kind: "veth", namespace: "ns-a1" } }, a2],
};
const names = Object.keys(STATES);

async function walk(host: FakeHost, steps: readonly string[]): Promise<void> {
  for (const step of steps) await host.reconciler.run(planOf(1, STATES[step]!));
}
function newHost(): FakeHost {
  const host = new FakeHost();
  host.kernel.addDevice("tap4", "tap");
  return host;
}
/** Ifindexes and slots depend on what was before; what is left of them must not. */
const shape = (host: FakeHost) =>
  host.kernel.dump().map((line) =>
    line
      .replace(/^endpoints \d+/, "endpoints")
      .replace(/^links \d+.*/, "links")
      .replace(/"ifindex":\d+/, "")
      .replace(/"where":\d+/, ""),
  );

describe("the kernel's state", () => {
  for (const from of names)
    it(`is that of each state, coming from ${from}, and done again it is nothing`, async () => {
      for (const to of names) {
        const [winding, straight] = [newHost(), newHost()];
        await walk(winding, [from, to, from, to]);
        await walk(straight, [to]);
        expect(shape(winding).sort()).toEqual(shape(straight).sort());
        winding.takeLog();
        await walk(winding, [to]);
        expect(winding.takeLog()).toEqual([]);
      }
    });

  it("lets the ports of two hosts reach each other, and nobody reach one that is gone", async () => {
    const hosts = [newHost(), newHost()];
    const kernels = hosts.map((h) => h.kernel);
    const both = async (ports: readonly PortSpec[]) => {
      for (const [i, host] of hosts.entries()) await host.reconciler.run(planOf(i + 1, ports));
    };
    await both([a1, a2, b3]);
    expect(reaches(kernels, portId("a1"), addressOf(a2))).toBe(true);
    expect(reaches(kernels, portId("a2"), addressOf(b3))).toBe(true);
    await both([a1, b3]);
    expect(reaches(kernels, portId("a1"), addressOf(a2))).toBe(false);
    // Q22: a move is an unbind and a bind; everybody else follows by entries alone.
    await both([a1, { ...a2, host: 1 }, b3]);
    expect(reaches(kernels, portId("a1"), addressOf(a2))).toBe(true);
  });
});

describe("the order of operations", () => {
  it("is policy, program, link, reach for a port that comes", async () => {
    const host = newHost();
    await walk(host, ["empty"]);
    host.takeLog();
    await walk(host, ["oneEach"]);
    const link = `oh${portId("a1").slice(-12)}`;
    expect(host.takeLog()).toEqual([
      `make ${link}`,
      "write vnis",
      "forget 0",
      "write endpoints",
      "write links",
      `attach endpoint ${portId("a1")}`,
      `up ${link}`,
      "write routes",
      "write macs",
      "write destinations",
    ]);
  });

  it("is reach, link, program, policy for a port that goes", async () => {
    const host = newHost();
    await walk(host, ["oneEach"]);
    host.takeLog();
    await walk(host, ["empty"]);
    expect(host.takeLog()).toEqual([
      "remove destinations",
      "remove macs",
      "remove routes",
      `unmake oh${portId("a1").slice(-12)}`,
      `detach endpoint ${portId("a1")}`,
      "remove links",
      "remove endpoints",
      "remove vnis",
    ]);
  });

  it("sets an adopted device down before its program goes, and leaves it there", async () => {
    const host = newHost();
    await walk(host, ["adopted"]);
    host.takeLog();
    await walk(host, ["oneEach"]);
    const log = host.takeLog();
    expect(log.indexOf("down tap4")).toBeLessThan(log.indexOf(`detach endpoint ${portId("t4")}`));
    expect(log.filter((line) => line.startsWith("unmake"))).toEqual([]);
    expect((await host.kernel.devices()).get("tap4")?.up).toBe(false);
  });
});

describe("a port that gets another device on its host", () => {
  const into = (namespace: string): PortSpec => ({ ...a1, device: { kind: "veth", namespace } });
  const taking = (port: PortSpec, name: string): PortSpec => ({ ...port, device: { kind: "adopt", name } });
  const namespaceOf = async (host: FakeHost, name: string) =>
    (await host.kernel.devices()).get(`oh${portId(name).slice(-12)}`)?.made?.namespace;
  const run = (host: FakeHost, ports: readonly PortSpec[]) => host.reconciler.run(planOf(1, ports));

  it("has its link in the namespace that is wanted now, also where another port leaves that", async () => {
    const host = newHost();
    const b = (namespace: string): PortSpec => ({ ...b3, device: { kind: "veth", namespace } });
    for (const [mine, theirs] of [
      ["ns-1", "ns-2"],
      ["ns-3", "ns-2"],
      ["ns-2", "ns-3"],
      ["ns-3", "ns-1"],
    ] as const) {
      expect(await run(host, [into(mine), b(theirs)])).toEqual({ state: "done", problems: [], hub_of: [] });
      expect([await namespaceOf(host, "a1"), await namespaceOf(host, "b3")]).toEqual([mine, theirs]);
      expect(host.kernel.guarded().size).toBe(2);
    }
  });

  it("leaves the former device down before that has no program", async () => {
    const host = newHost();
    host.kernel.addDevice("tap5", "tap");
    await run(host, [tapped]);
    host.takeLog();
    await run(host, [taking(tapped, "tap5")]);
    const log = host.takeLog();
    expect(log.indexOf("down tap4")).toBeGreaterThanOrEqual(0);
    expect(log.indexOf("down tap4")).toBeLessThan(log.indexOf(`attach endpoint ${portId("t4")}`));
    const devices = await host.kernel.devices();
    expect([devices.get("tap4")?.up, devices.get("tap5")?.up]).toEqual([false, true]);
  });

  it("may exchange it with another port: both are down meanwhile and up afterwards", async () => {
    const host = newHost();
    host.kernel.addDevice("tap5", "tap");
    await run(host, [tapped, taking(a1, "tap5")]);
    host.takeLog();
    await run(host, [taking(tapped, "tap5"), taking(a1, "tap4")]);
    expect(host.takeLog()).toEqual(expect.arrayContaining(["down tap4", "down tap5", "up tap4", "up tap5"]));
    expect(host.kernel.guarded().size).toBe(2);
  });
});

describe("an agent that starts again", () => {
  it("adopts what is in the kernel and only replaces the programs in place", async () => {
    const host = newHost();
    await walk(host, ["adopted"]);
    const before = host.kernel.dump();
    host.takeLog();
    host.restart();
    await walk(host, ["adopted"]);
    expect(host.takeLog().sort()).toEqual(
      [
        `attach endpoint ${portId("a1")}`,
        `attach endpoint ${portId("t4")}`,
        "attach overlay oh-vxlan",
        "attach uplink up0",
      ].sort(),
    );
    expect(host.kernel.dump()).toEqual(before);
  });

  it("removes what an earlier one left, once it knows the plan", async () => {
    const host = newHost();
    await walk(host, ["allOnOne"]);
    host.restart();
    expect((await host.reconciler.run(new Map())).state).toBe("waiting");
    expect(host.kernel.guarded().size).toBe(3);
    await walk(host, ["oneEach"]);
    expect([...host.kernel.guarded()]).toEqual([portId("a1")]);
  });

  it("keeps every port's slot", async () => {
    const host = newHost();
    await walk(host, ["allOnOne", "otherNetwork"]);
    const slots = host.reconciler.mirror.slots();
    host.restart();
    await walk(host, ["allOnOne"]);
    expect(host.reconciler.mirror.slots().get(portId("b3"))).toBe(slots.get(portId("b3")));
  });
});

describe("repair", () => {
  it("writes again what somebody removed, and removes what somebody wrote", async () => {
    const host = newHost();
    await walk(host, ["oneEach"]);
    const before = host.kernel.dump();
    host.kernel.remove("destinations", [{ vpc: 5000, address: addressOf(a2) }]);
    host.kernel.write("macs", [
      [
        { network: 77, mac: "0a:00:00:00:00:77" },
        { where: 1, place: 1 },
      ],
    ]);
    host.reconciler.distrust();
    await walk(host, ["oneEach"]);
    expect(host.kernel.dump()).toEqual(before);
  });
});

describe("a device that vanishes", () => {
  it("degrades its port alone, and heals it by coming back", async () => {
    const host = newHost();
    await walk(host, ["adopted"]);
    host.kernel.dropDevice("tap4");
    host.reconciler.distrust();
    const gone = await host.reconciler.run(planOf(1, STATES.adopted!));
    expect(gone).toEqual({
      state: "done",
      hub_of: [],
      problems: [{ port_id: portId("t4"), reason: "Its device tap4 is not there." }],
    });
    expect([...host.kernel.guarded()]).toEqual([portId("a1")]);
    host.kernel.addDevice("tap4", "tap");
    expect(await host.reconciler.run(planOf(1, STATES.adopted!))).toEqual({ state: "done", problems: [], hub_of: [] });
    expect(host.kernel.guarded().has(portId("t4"))).toBe(true);
  });
});

describe("the brake", () => {
  const many = Array.from({ length: 30 }, (_, n): PortSpec => ({ name: `p${n + 1}`, host: 1 }));

  it("holds a plan that takes most ports away for five seconds, and lets it go if it stands", async () => {
    const host = newHost();
    await host.reconciler.run(planOf(1, many));
    const few = planOf(1, many.slice(0, 10));
    expect(await host.reconciler.run(few)).toEqual({ state: "held", milliseconds: 5000 });
    expect(host.kernel.guarded().size).toBe(30);
    expect(host.warnings).toHaveLength(1);
    host.now = 5000;
    expect((await host.reconciler.run(few)).state).toBe("done");
    expect(host.kernel.guarded().size).toBe(10);
  });

  it("forgets a plan that was taken back", async () => {
    const host = newHost();
    await host.reconciler.run(planOf(1, many));
    await host.reconciler.run(planOf(1, []));
    host.now = 4000;
    expect((await host.reconciler.run(planOf(1, many))).state).toBe("done");
    host.now = 8000;
    expect((await host.reconciler.run(planOf(1, []))).state).toBe("held");
  });
});

describe("the machine", () => {
  it("is not asked again for a plan that changes no device of ours, nor for one that leaves no port degraded", async () => {
    const host = newHost();
    await walk(host, ["oneEach", "oneEach"]);
    const asked = [vi.spyOn(host.kernel, "devices"), vi.spyOn(host.kernel, "nextHops")];
    await host.reconciler.run(planOf(1, [a1, { ...a2, name: "a7" }]));
    for (const one of asked) expect(one).not.toHaveBeenCalled();
  });

  it("is asked again, before anybody is told, where what is remembered leaves a port degraded", async () => {
    const host = newHost();
    await walk(host, ["oneEach", "oneEach"]);
    const deaf = vi.spyOn(host.reconciler, "machineChanged").mockImplementationOnce(() => undefined);
    host.kernel.addDevice("tap9", "tap");
    expect(deaf).toHaveBeenCalledTimes(1);
    const late: PortSpec = { name: "t9", host: 1, device: { kind: "adopt", name: "tap9" } };
    expect(await host.reconciler.run(planOf(1, [a1, late]))).toMatchObject({ problems: [] });
  });
});
