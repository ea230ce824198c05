import { Client } from "@onehop/api";
import type { BarList, BarredRow, Question } from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Agents, unanswered } from "../../src/look/agents.ts";
import { type Served, serve, world } from "./fixture.ts";

let served: Served;
let shop: Awaited<ReturnType<typeof world>>;
let other: Awaited<ReturnType<typeof world>>;
/** By host's id. */
const bars = new Map<string, unknown>();
const asked: [string, Question][] = [];
const agents: Agents = {
  ask: async (hostId, question) => {
    asked.push([hostId, question]);
    if (!bars.has(hostId)) throw unanswered("no answer");
    return bars.get(hostId);
  },
  watch: async () => ({ stop: () => undefined }),
};
const bar = (vpc: number, host: number): BarredRow => ({ vpc, host, since: 1_700_000_000 });

beforeAll(async () => {
  served = await serve({ agents });
  shop = await world(served.root);
  other = await world(served.root, { project: "other" });
});
afterAll(() => served.close());
beforeEach(() => {
  asked.splice(0);
  bars.clear();
});

const path = (what: string) => `/v1/hosts/${shop.host.id}/${what}`;
const send = async (method: "GET" | "POST", what: string) =>
  (await served.root.request(method, path(what))).body as BarList;

describe("bars on a host", () => {
  test("are told by the hosts that do not believe it, and in which VPC", async () => {
    bars.set(other.host.id, [bar(shop.vpc.vni, shop.host.number)]);
    expect(await send("GET", "bars")).toEqual({
      items: [
        {
          at: { kind: "host", id: other.host.id, name: other.host.name },
          vpc: { kind: "vpc", id: shop.vpc.id, name: shop.vpc.name },
          host: { kind: "host", id: shop.host.id, name: shop.host.name },
          since: "2023-11-14T22:13:20.000Z",
        },
      ],
      silent: [],
    });
    expect(asked).toEqual([[other.host.id, { what: "bars", host: shop.host.number }]]);
  });

  test("are lifted by an operator on every host that answers; those that do not are told", async () => {
    expect(await send("POST", "trust")).toMatchObject({ items: [], silent: [{ host: { id: other.host.id } }] });
    bars.set(other.host.id, [bar(shop.vpc.vni, shop.host.number)]);
    expect(await send("POST", "trust")).toMatchObject({ items: [{ at: { id: other.host.id } }], silent: [] });
    expect(asked.at(-1)).toEqual([other.host.id, { what: "trust", host: shop.host.number }]);
  });

  test("are no tenant's to see or to lift", async () => {
    const made = await served.root.request("POST", "/v1/tokens", {
      ...{ name: "member-1", role: "member", project_id: shop.project.id },
    });
    const member = new Client({ url: served.url, token: (made.body as { secret: string }).secret });
    for (const [method, what] of [
      ["GET", "bars"],
      ["POST", "trust"],
    ] as const)
      await expect(member.request(method, path(what))).rejects.toMatchObject({ detail: { status: 403 } });
    member.close();
    expect(asked).toEqual([]);
  });

  test("that a host in other hands makes up, of others or of no form, are not told", async () => {
    for (const answer of [
      [bar(1, shop.host.number + 1)],
      [{ vpc: "x" }],
      "nonsense",
      null,
      [{ ...bar(1, 1), since: 1e300 }],
    ]) {
      bars.set(other.host.id, answer);
      expect(await send("GET", "bars")).toEqual({ items: [], silent: [] });
    }
  });
});
