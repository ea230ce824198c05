import { request } from "node:http";
import { Client, Unreachable, type WatchEvent } from "@onehop/api";
import { NOUNS } from "@onehop/core";
import { ManualClock, MemoryStore } from "@onehop/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { privateEtcd, refused, type Served, serve, world } from "./fixture.ts";

let served: Served;
let root: Client;
let w: Awaited<ReturnType<typeof world>>;
let ending: AbortController;

beforeEach(async () => {
  served = await serve();
  root = served.root;
  w = await world(root);
  ending = new AbortController();
});
afterEach(async () => {
  ending.abort();
  await served.close();
});

type Collection = Parameters<Client["create"]>[0];
type Event = WatchEvent<{ id: string; name: string; status: { state: string } }>;

/** Takes events as they come. */
function follow(query: string, client = root, headers = {}) {
  const lines = client.lines(`/v1/${query}`, ending.signal, headers);
  const next = async (): Promise<Event> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the stream ended");
    return value as Event;
  };
  /** Up to and with the first that fits; most tests want a few and then a bookmark. */
  const until = async (fits: (e: Event) => boolean): Promise<Event[]> => {
    const seen: Event[] = [];
    do seen.push(await next());
    while (!fits(seen.at(-1)!));
    return seen;
  };
  return { next, until, lines };
}

const words = (events: readonly Event[]): string[] => events.map((e) => `${e.type} ${e.object?.name ?? ""}`.trim());
const isBookmark = (e: Event): boolean => e.type === "bookmark";
const port = (name: string, more: object = {}) => root.create("ports", { name, network_id: w.network.id, ...more });
const revision = async (): Promise<number> => (await served.store.range({ prefix: "/" })).revision;

describe("A watch of a list", () => {
  it("tells what there is, then a bookmark, then every change in order.", async () => {
    await port("a");
    const { until, next } = follow("ports?watch=true");
    const all = await until(isBookmark);
    expect(words(all)).toEqual(["added a", "bookmark"]);
    expect(all[1]!.id).toBe(await revision());
    const b = await port("b");
    expect(await next()).toMatchObject({ type: "added", id: b.revision, revision: b.revision, object: { name: "b" } });
    await root.patch("ports", b.id, { labels: { tier: "web" } });
    expect(await next()).toMatchObject({ type: "modified", object: { labels: { tier: "web" } } });
    await root.delete("ports", b.id);
    expect(await next()).toMatchObject({ type: "deleted", object: { id: b.id, name: "b", labels: { tier: "web" } } });
  });

  it("tells of every noun what is created, changed and deleted.", async () => {
    const [vpc_id, network_id] = [w.vpc.id, w.network.id];
    await port("hop", { addresses: ["10.0.1.9"] });
    const created: Readonly<Record<Collection, object>> = {
      projects: {},
      hosts: { tunnel_address: "192.0.2.9" },
      vpcs: { project_id: w.project.id, cidrs: ["10.9.0.0/16"] },
      networks: { vpc_id, cidr: "10.0.9.0/24" },
      ports: { network_id },
      routes: { vpc_id, destination: "172.16.0.0/12", next_hop: "10.0.1.9" },
    };
    expect(Object.keys(created).sort()).toEqual(NOUNS.map((n) => n.plural).sort());
    for (const [plural, fields] of Object.entries(created) as [Collection, object][]) {
      const { next, until } = follow(`${plural}?watch=true`);
      await until(isBookmark);
      const { id } = (await root.create(plural, { name: "new", ...fields })) as unknown as { id: string };
      await root.patch(plural, id, { labels: { tier: "web" } });
      await root.delete(plural, id);
      const events = [await next(), await next(), await next()];
      expect([plural, ...words(events)]).toEqual([plural, "added new", "modified new", "deleted new"]);
      expect(events.map((e) => e.object?.id)).toEqual([id, id, id]);
    }
  });

  it("resumes after a revision: that of a list, or the last event's id.", async () => {
    const a = await port("a");
    const from = await revision();
    const b = await port("b");
    await root.delete("ports", a.id);
    const first = follow(`ports?watch=true&from_revision=${from}`);
    const events = [await first.next(), await first.next()];
    expect(words(events)).toEqual(["added b", "deleted a"]);
    expect(events[1]!.id).toBe(await revision());
    const again = follow("ports?watch=true&from_revision=1", root, { "last-event-id": String(b.revision) });
    expect(words([await again.next()])).toEqual(["deleted a"]);
  });

  it("gives an id only where all of a revision has been told.", async () => {
    const { until } = follow("ports?watch=true");
    await until(isBookmark);
    const items = Array.from({ length: 5 }, (_, i) => ({ name: `p-${i}`, network_id: w.network.id }));
    await root.request("POST", "/v1/ports:bulk", { items });
    const events = await until((e) => e.object?.name === "p-4");
    expect(events.map((e) => e.id !== undefined)).toEqual([false, false, false, false, true]);
  });

  it("answers 410 for a revision that is compacted, or has not happened, or ends so when that comes later.", async () => {
    const from = await revision();
    await port("a");
    await served.store.compact(await revision());
    const query = (n: number) => () => follow(`ports?watch=true&from_revision=${n}`).next();
    await refused(served, query(from), { status: 410, code: "revision_gone" });
    await refused(served, query(10_000), { status: 410, code: "revision_gone" });
  });

  it("applies filters: what begins to pass is added, what ceases to is deleted.", async () => {
    const a = await port("a");
    const { next, until } = follow("ports?watch=true&label=tier=web");
    expect(words(await until(isBookmark))).toEqual(["bookmark"]);
    await root.patch("ports", a.id, { labels: { tier: "web" } });
    expect(words([await next()])).toEqual(["added a"]);
    await root.patch("ports", a.id, { labels: { tier: "db" } });
    expect(words([await next()])).toEqual(["deleted a"]);
  });

  it("shows a tenant its own project only.", async () => {
    const { body } = await root.request("POST", "/v1/tokens", { name: "t", role: "reader", project_id: w.project.id });
    const tenant = new Client({ url: served.url, token: (body as { secret: string }).secret });
    const { next, until } = follow("vpcs?watch=true", tenant);
    expect(words(await until(isBookmark))).toEqual(["added prod", "bookmark"]);
    const other = await root.create("projects", { name: "other" });
    await root.create("vpcs", { name: "theirs", project_id: other.id, cidrs: ["10.0.0.0/16"] });
    await root.create("vpcs", { name: "ours", project_id: w.project.id, cidrs: ["10.0.0.0/16"] });
    expect(words([await next()])).toEqual(["added ours"]);
  });

  it("tells new status as modified, with the revision that the object has.", async () => {
    served.status.state = "pending";
    const a = await port("a");
    const { next, until } = follow("ports?watch=true");
    expect((await until(isBookmark))[0]!.object!.status.state).toBe("pending");
    served.status.turn("realised");
    expect(await next()).toMatchObject({
      type: "modified",
      revision: a.revision,
      object: { status: { state: "realised" } },
    });
    served.status.turn("degraded");
    expect(await next()).toMatchObject({ type: "modified", object: { status: { state: "degraded" } } });
  });

  it("tells a resumed reader of what is not realised.", async () => {
    const a = await port("a");
    const from = await revision();
    served.status.state = "degraded";
    const { next } = follow(`ports?watch=true&from_revision=${from}`);
    expect(await next()).toMatchObject({
      type: "modified",
      revision: a.revision,
      object: { status: { state: "degraded" } },
    });
  });

  it("refuses what makes no sense.", async () => {
    for (const query of [
      "watch=yes",
      "watch=true&limit=1",
      "watch=true&page_token=x",
      "watch=true&from_revision=0",
      "watch=true&from_revision=-1",
      "watch=true&from_revision=x",
      "watch=true&colour=red",
      "from_revision=1",
    ])
      await refused(served, () => follow(`ports?${query}`).next(), { status: 400 });
  });

  it("ends when the server does.", async () => {
    const { until, lines } = follow("ports?watch=true");
    await until(isBookmark);
    const closed = served.server.close();
    expect(await lines.next()).toEqual({ done: true, value: undefined });
    await closed;
  });
});

/** The bare response, for what the client hides. */
const raw = (path: string, headers: Record<string, string> = {}) =>
  new Promise<import("node:http").IncomingMessage>((resolve, reject) =>
    request(`${served.url}${path}`, { headers, signal: ending.signal, agent: false }, resolve)
      .on("error", reject)
      .end(),
  );
const tokenOf = async (): Promise<{ id: string; secret: string }> =>
  (await root.request("POST", "/v1/tokens", { name: "t", role: "admin" })).body as { id: string; secret: string };

describe("The stream", () => {
  it("is server-sent events unless JSON lines are asked for.", async () => {
    await port("a");
    const { secret } = await tokenOf();
    const response = await raw("/v1/ports?watch=true", { authorization: `Bearer ${secret}` });
    expect(response.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-store" });
    response.setEncoding("utf8");
    let text = "";
    for await (const chunk of response) {
      text += chunk;
      if (text.includes("bookmark\n")) break;
    }
    const [first, second] = text.split("\n\n");
    expect(first).toMatch(/^event: added\ndata: \{"type":"added","revision":\d+,"object":\{.*"name":"a".*\}$/);
    expect(second).toMatch(/^id: \d+\nevent: bookmark\n/);
  });

  it("has a bookmark now and then, and ends when the token is revoked.", async () => {
    await served.close();
    const clock = new ManualClock();
    served = await serve({ clock, store: new MemoryStore() });
    root = served.root;
    const { id, secret } = await tokenOf();
    const { next, lines } = follow("ports?watch=true", new Client({ url: served.url, token: secret }));
    const first = await next();
    await root.create("projects", { name: "p" });
    const bookmark = next();
    for (let i = 0; i < 200 && served.status.waiting === 0; i++) await clock.advance(0);
    await clock.advance(15_000);
    expect((await bookmark).id).toBeGreaterThan(first.id!);
    await root.request("DELETE", `/v1/tokens/${id}`);
    const last = next();
    await clock.advance(15_000);
    expect(await last).toMatchObject({ type: "error", problem: { status: 401, code: "unauthenticated" } });
    expect((await lines.next()).done).toBe(true);
  });
});

it("On etcd a watch resumes, and is refused after a compaction, as on memory.", async () => {
  const etcd = await privateEtcd("unsafe");
  await served.close();
  served = await serve({ store: etcd.store });
  root = served.root;
  w = await world(root);
  const from = await revision();
  const a = await port("a");
  const { next } = follow(`ports?watch=true&from_revision=${from}`);
  expect(words([await next()])).toEqual(["added a"]);
  await root.delete("ports", a.id);
  expect(await next()).toMatchObject({ type: "deleted", object: { id: a.id, name: "a" } });
  const b = await port("b");
  expect(await next()).toMatchObject({ type: "added", id: b.revision });
  await etcd.store.compact(await revision());
  await refused(served, () => follow(`ports?watch=true&from_revision=${from}`).next(), { status: 410 });
  await refused(served, () => follow("ports?watch=true&from_revision=100000").next(), { status: 410 });
  await served.close();
  await etcd.stop();
});

it("A client of a stream hears where nobody serves.", async () => {
  const client = new Client({ url: "unix:/nowhere/api.sock" });
  await expect(client.lines("/v1/ports?watch=true", ending.signal).next()).rejects.toThrow(Unreachable);
});
