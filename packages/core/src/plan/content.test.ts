import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Hashes, patched } from "./content.ts";
import type { HostSlice, NetworkSlice, PortPlan } from "./slices.ts";

const hashes = new Hashes((bytes) => createHash("sha256").update(bytes).digest("hex"));
const port = (n: number, generation = 1): PortPlan => ({
  ...{ id: `p${String(n).padStart(4, "0")}`, generation, mac: "0a:00:00:00:00:01", host: 1 },
  ...{ addresses: [`10.0.0.${n}`], allowed_addresses: [] },
});
const network = (ports: readonly PortPlan[], vni = 5001): NetworkSlice => ({
  ...{ type: "network", network_id: "n", vpc_id: "v", vpc_vni: 5000, vni, cidr: "10.0.0.0/24" },
  ...{ gateway: "10.0.0.1", gateway_mac: "0a:00:00:00:00:00", ports },
});
/** Ports by number, each in one of a few generations. */
const networks = fc
  .tuple(
    fc.dictionary(fc.integer({ min: 2, max: 40 }).map(String), fc.integer({ min: 1, max: 3 })),
    fc.integer({ min: 1, max: 2 }),
  )
  .map(([ports, vni]) =>
    network(
      Object.entries(ports).map(([n, generation]) => port(Number(n), generation)),
      vni,
    ),
  );

describe("a slice's content", () => {
  it("has the same hash where it is equal, whatever the order of its members and however it was made", () => {
    const { type, ports, ...rest } = network([port(2), port(3)]);
    const turned = {
      ports: ports.map((p) => ({ device: undefined, ...p })),
      ...Object.fromEntries(Object.entries(rest).reverse()),
      type,
    };
    expect(hashes.of(turned as unknown as NetworkSlice)).toEqual(hashes.of(network([port(2), port(3)])));
    expect(hashes.of(network([port(2)])).hash).not.toBe(hashes.of(network([port(3)])).hash);
    expect(hashes.of(network([], 7)).hash).not.toBe(hashes.of(network([], 8)).hash);
  });

  it("is another one patched with what differs", () => {
    fc.assert(
      fc.property(networks, networks, (before, after) => {
        const difference = hashes.difference(before, after);
        if (difference) expect(patched(before, JSON.parse(JSON.stringify(difference)))).toEqual(after);
      }),
    );
  });

  it("differs in what came, changed or went; where that is most of it, it is sent as it is", () => {
    const before = network([2, 3, 4, 5, 6, 7].map((n) => port(n)));
    const after = network([port(2), port(4, 9), port(5), port(6), port(7), port(8)]);
    const { ports: _, ...head } = after;
    expect(hashes.difference(before, after)).toEqual({ head, rows: [port(4, 9), port(8)], gone: ["p0003"] });
    expect(hashes.difference(network([]), after)).toBeUndefined();
    const own: HostSlice = { type: "host", host_id: "h", number: 1, slices: [] };
    expect(hashes.difference(own, { ...own, number: 2 })).toBeUndefined();
  });

  it("of one kind is not patched with what differs of another", () => {
    expect(patched(network([]), { head: { type: "vpc" }, rows: [], gone: [] })).toBeUndefined();
    expect(
      patched({ type: "host", host_id: "h", number: 1, slices: [] }, { head: { type: "host" }, rows: [], gone: [] }),
    ).toBeUndefined();
  });
});
