import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeKernel } from "../kernel/fake.ts";
import { MachineFacts } from "./machine_facts.ts";

let kernel: FakeKernel;
let facts: MachineFacts;
beforeEach(() => {
  kernel = new FakeKernel();
  kernel.addDevice("up0");
  facts = new MachineFacts(kernel);
  kernel.watch((ifindex) => facts.changed(ifindex), new AbortController().signal);
});

describe("the machine's devices", () => {
  it("are asked for once until something changes", async () => {
    const asked = vi.spyOn(kernel, "devices");
    expect(facts.remembered).toBe(false);
    await facts.devices();
    expect(facts.remembered).toBe(true);
    await facts.devices();
    expect(asked).toHaveBeenCalledTimes(1);
    kernel.addDevice("tap1", "tap");
    expect(facts.remembered).toBe(false);
    expect((await facts.devices()).has("tap1")).toBe(true);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("are asked for again where they changed while they were asked for", async () => {
    const devices = facts.devices();
    kernel.addDevice("tap1", "tap");
    expect((await devices).has("tap1")).toBe(false);
    expect((await facts.devices()).has("tap1")).toBe(true);
  });

  it("are asked for again after we changed them, and not where we changed nothing", async () => {
    const device = (await facts.devices()).get("up0");
    await facts.setUp([]);
    await facts.setDown([]);
    expect(await facts.devices()).toMatchObject(new Map([["up0", device]]));
    await facts.setUp(["up0"]);
    expect((await facts.devices()).get("up0")?.up).toBe(true);
    await facts.setDown(["up0"]);
    expect((await facts.devices()).get("up0")?.up).toBe(false);
  });

  it("are asked for again after an answer that did not come", async () => {
    vi.spyOn(kernel, "devices").mockRejectedValueOnce(new Error("no process"));
    await expect(facts.devices()).rejects.toThrow("no process");
    expect((await facts.devices()).has("up0")).toBe(true);
  });
});

describe("next hops", () => {
  const [a, b, c] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"] as const;

  it("are asked for once, and then only those of new addresses", async () => {
    const asked = vi.spyOn(kernel, "nextHops");
    const first = await facts.nextHops([a, b]);
    expect(await facts.nextHops([b])).toBe(first);
    expect([...(await facts.nextHops([b, c])).keys()]).toEqual([a, b, c]);
    expect(asked.mock.calls).toEqual([[[a, b]], [[c]]]);
  });

  it("are all asked for again once a route changed, also while they were asked for", async () => {
    const asked = vi.spyOn(kernel, "nextHops");
    const first = facts.nextHops([a, b]);
    facts.changed();
    await first;
    await facts.nextHops([a, c]);
    expect(asked.mock.calls).toEqual([[[a, b]], [[a, c]]]);
  });

  it("are asked for again where the device that they leave by changed, and not where another did", async () => {
    const asked = vi.spyOn(kernel, "nextHops");
    const uplink = (await facts.devices()).get("up0")!.ifindex;
    await facts.nextHops([a, b]);
    kernel.addDevice("tap1", "tap");
    await facts.nextHops([a, b]);
    expect(asked).toHaveBeenCalledTimes(1);
    facts.changed(uplink);
    await facts.nextHops([a, b]);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("are asked for again where any device changed while some were asked for, or some address had none", async () => {
    const asked = vi.spyOn(kernel, "nextHops");
    const first = facts.nextHops([a]);
    kernel.addDevice("tap1", "tap");
    await first;
    asked.mockResolvedValueOnce(new Map());
    await facts.nextHops([a]);
    kernel.addDevice("tap2", "tap");
    expect((await facts.nextHops([a])).size).toBe(1);
    expect(asked).toHaveBeenCalledTimes(3);
  });

  it("are not asked for again where there was none", async () => {
    const asked = vi.spyOn(kernel, "nextHops").mockResolvedValue(new Map());
    await facts.nextHops([a]);
    expect((await facts.nextHops([a])).size).toBe(0);
    expect(asked).toHaveBeenCalledTimes(1);
  });
});
