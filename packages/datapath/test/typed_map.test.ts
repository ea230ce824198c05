import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mapInfo } from "../src/info.ts";
import { lpmPrefix } from "../src/layout.ts";
import { type DestinationKey, LAYOUT, Place, RouteKind } from "../src/maps.gen.ts";
import { type Datapath, OBJECT_DIR, openDatapath } from "../src/object.ts";

const config = { tunnel_address: "192.0.2.1", host: 1, record: 1, watch: 1 };

/** Maps alone: no program is loaded. */
let datapath: Datapath;
beforeAll(() => {
  datapath = openDatapath({ objectDir: OBJECT_DIR, config, programs: [], maxEntries: { destinations: 5000 } });
});
afterAll(() => datapath.close());

const key = (i: number): DestinationKey => ({ vpc: 9, address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` });
const value = (i: number) => ({ network: 7, where: i, mac: "0a:00:00:00:00:01", place: Place.REMOTE });
const lone = { vpc: 1, address: "2001:db8::7" };

describe("a map of one value a key", () => {
  it("gives back what was set, until it is deleted", () => {
    const { destinations } = datapath.maps;
    expect(destinations.get(lone)).toBeUndefined();
    destinations.set(lone, value(3));
    expect(destinations.get(lone)).toEqual(value(3));
    destinations.set(lone, value(4));
    expect(destinations.get(lone)).toEqual(value(4));
    expect(destinations.delete(lone)).toBe(true);
    expect(destinations.delete(lone)).toBe(false);
  });

  it("takes and lists thousands of entries in batches, each once", () => {
    const { destinations } = datapath.maps;
    const all = Array.from({ length: 3000 }, (_, i) => [key(i), value(i)] as const);
    destinations.setMany(all);
    const listed = [...destinations].sort(([, a], [, b]) => a.where - b.where);
    expect(listed).toEqual(all);
    expect(new Set([...destinations.keys()].map((k) => k.address)).size).toBe(3000);
    destinations.deleteMany(all.map(([k]) => k));
    expect([...destinations]).toEqual([]);
  });

  it("says which map is full", () => {
    const { destinations } = datapath.maps;
    const all = Array.from({ length: 5001 }, (_, i) => [key(i), value(i)] as const);
    expect(() => destinations.setMany(all)).toThrow("destinations_v1: update batch: E2BIG");
    destinations.deleteMany([...destinations.keys()]);
  });

  it("has every index of an array, and none beyond", () => {
    const { class_limits } = datapath.maps;
    class_limits.set(2, { rate: 100, burst: 20 });
    expect(class_limits.get(2)).toEqual({ rate: 100, burst: 20 });
    expect([...class_limits].map(([index]) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(class_limits.get(8)).toBeUndefined();
    class_limits.clear(2);
    expect(class_limits.get(2)).toEqual({ rate: 0, burst: 0 });
    expect(() => class_limits.delete(2)).toThrow("class_limits_v1: delete: EINVAL");
  });

  it("finds the longest prefix of a trie", () => {
    const { routes } = datapath.maps;
    const to = (next_hop: string) => ({ next_hop, kind: RouteKind.VIA });
    routes.set({ prefix: lpmPrefix(0), vpc: 1, address: "0.0.0.0" }, to("10.0.0.1"));
    routes.set({ prefix: lpmPrefix(24), vpc: 1, address: "10.9.8.0" }, to("10.0.0.2"));
    const lookup = (vpc: number, address: string) => routes.get({ prefix: lpmPrefix(32), vpc, address })?.next_hop;
    expect(lookup(1, "10.9.8.77")).toBe("10.0.0.2");
    expect(lookup(1, "10.9.9.77")).toBe("10.0.0.1");
    expect(lookup(2, "10.9.8.77")).toBeUndefined();
    expect([...routes]).toHaveLength(2);
  });
});

describe("a map of counters", () => {
  it("reads the sum over all CPUs and can be reset", () => {
    const { port_counters, drops } = datapath.maps;
    const zero = { tx_packets: 0, tx_bytes: 0, rx_packets: 0, rx_bytes: 0, class_packets: Array(8).fill(0) };
    expect(port_counters.get(5)).toEqual(zero);
    port_counters.reset(5);
    expect(port_counters.get(5)).toEqual(zero);
    expect(port_counters.get(4096)).toBeUndefined();
    drops.reset({ slot: 1, reason: 2 });
    expect([...drops]).toEqual([
      [
        { slot: 1, reason: 2 },
        { packets: 0, bytes: 0 },
      ],
    ]);
    expect(drops.delete({ slot: 1, reason: 2 })).toBe(true);
    expect([...drops]).toEqual([]);
  });
});

it("the kernel's maps have the sizes of the layout, those given at opening included", () => {
  for (const [name, layout] of Object.entries(LAYOUT.maps)) {
    const fd = datapath.fds.get(layout.symbol);
    expect(mapInfo(fd!), name).toMatchObject({
      type: layout.type,
      key_size: layout.key?.size ?? 0,
      value_size: layout.value?.size ?? 0,
      max_entries: name === "destinations" ? 5000 : layout.max_entries,
    });
  }
});
