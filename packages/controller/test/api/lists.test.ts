import type { Client } from "@onehop/api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { refusal, type Served, serve, world } from "./fixture.ts";

let served: Served;
let network_id: string;
let vpc_id: string;
beforeEach(async () => {
  served = await serve();
  const { network, vpc } = await world(served.root);
  network_id = network.id;
  vpc_id = vpc.id;
});
afterEach(() => served.close());

interface Page {
  readonly items: { id: string; name: string; host_id?: string }[];
  readonly revision: number;
  readonly next_page_token?: string;
}
const page = async (query: string, client: Client = served.root) =>
  (await client.request("GET", `/v1/ports?${query}`)).body as Page;

async function ports(count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, i) => ({
    network_id,
    name: `p${i}`,
    labels: { odd: String(i % 2) },
  }));
  await served.root.request("POST", "/v1/ports:bulk", { items });
}

test("the pages of a listing are one snapshot, whatever happens meanwhile", async () => {
  await ports(25);
  const seen: string[] = [];
  let token = "";
  let pages = 0;
  const revisions = new Set<number>();
  do {
    const p = await page(`limit=10${token}`);
    revisions.add(p.revision);
    seen.push(...p.items.map((o) => o.name));
    token = p.next_page_token ? `&page_token=${p.next_page_token}` : "";
    pages++;
    const [victim] = await served.root.list("ports");
    await served.root.delete("ports", victim!.id);
    await served.root.create("ports", { network_id });
  } while (token);
  expect(pages).toBe(3);
  expect(revisions.size).toBe(1);
  expect(seen.toSorted()).toEqual(Array.from({ length: 25 }, (_, i) => `p${i}`).toSorted());
});

test("a page that the store has forgotten is 410 with what to do", async () => {
  await ports(5);
  const { next_page_token, revision } = await page("limit=2");
  await served.root.create("ports", { network_id });
  await served.store.compact(revision + 1);
  const detail = await refusal(page(`limit=2&page_token=${next_page_token}`));
  expect(detail).toMatchObject({ status: 410, code: "page_token_expired" });
  expect(detail.hint).toContain("without page_token");
});

test("filters hold together and go over all pages", async () => {
  await ports(30);
  const host = (await served.root.list("hosts"))[0]!;
  const odd = await page("label=odd%3D1&limit=1000");
  expect(odd.items).toHaveLength(15);
  const bound = odd.items[0]!;
  await served.root.patch("ports", bound.id, { host_id: host.id });
  expect((await page(`host_id=${host.id}&label=odd%3D1`)).items.map((o) => o.id)).toEqual([bound.id]);
  expect((await page(`host_id=${host.id}&label=odd%3D0`)).items).toEqual([]);
  expect((await page(`vpc_id=${vpc_id}&name=p3`)).items).toHaveLength(1);
  expect((await page(`network_id=${network_id}&name=p3`)).items[0]?.name).toBe("p3");
  expect((await page(`network_id=${vpc_id}&name=p3`)).items).toEqual([]);
  expect((await page("name=p3&name=p4")).items).toHaveLength(2);
  expect(await served.root.list("ports", { limit: 4, label: ["odd=1"] })).toHaveLength(15);
});

test("Link names the next page", async () => {
  await ports(3);
  const answer = await served.root.request("GET", "/v1/ports?limit=2");
  const next = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link))?.[1];
  const rest = (await served.root.request("GET", next!)).body as Page;
  expect(rest.items).toHaveLength(1);
});

test("Link keeps every value of a filter that is given more than once", async () => {
  await ports(5);
  const answer = await served.root.request("GET", "/v1/ports?limit=1&name=p3&name=p4");
  const next = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link))?.[1];
  const rest = (await served.root.request("GET", next!)).body as Page;
  expect([...(answer.body as Page).items, ...rest.items].map((o) => o.name).sort()).toEqual(["p3", "p4"]);
});

const wrong = [
  "limit=0",
  "limit=1001",
  "limit=x",
  "label=odd",
  "page_token=zzz",
  "page_token=",
  "colour=red",
  "quotas=1",
];
test.each(wrong)("%s is refused", async (query) => {
  expect(await refusal(page(query))).toMatchObject({ status: 400, code: "invalid" });
});

test("a token of another list, or a made-up one, is refused", async () => {
  const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const tokens = [
    { from: "/onehop/v1/token/", revision: 1 },
    { from: "/onehop/v1/object/ports/", revision: -1 },
    { from: "/onehop/v1/object/ports/", revision: 1_000_000_000 },
    null,
    [],
  ];
  for (const value of tokens) expect((await refusal(page(`page_token=${token(value)}`))).status).toBe(400);
});
