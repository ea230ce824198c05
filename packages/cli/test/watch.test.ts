import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../src/node_io.ts";
import { type Region, startRegion } from "./region.ts";
import { terminal } from "./terminal.ts";

let region: Region;
let stop: AbortController;
const at = (url = region.url) => terminal(connect, { env: { ONEHOP_URL: url } });

beforeEach(async () => {
  region = await startRegion();
  stop = new AbortController();
  const onehop = at();
  await onehop("project", "create", "shop");
  await onehop("vpc", "create", "prod", "--project", "shop", "--cidrs", "10.0.0.0/16");
  await onehop("network", "create", "front", "--vpc", "prod");
});
afterEach(() => region.close());

/** A command that runs until it is stopped, and its lines as they come. */
function running(argv: readonly string[], url = region.url) {
  let text = "";
  let wake = () => {};
  const onehop = terminal(connect, {
    env: { ONEHOP_URL: url },
    stopped: stop.signal,
    onOut: (more) => {
      text += more;
      wake();
    },
  });
  const ended = onehop(...argv);
  const lines = async (count: number): Promise<string[]> => {
    while (text.split("\n").length <= count) await new Promise<void>((resolve) => (wake = resolve));
    return text.split("\n").slice(0, -1);
  };
  return { ended, lines };
}

describe("onehop get -w", () => {
  it("prints a table, then a row for each change, until it is stopped.", async () => {
    const onehop = at();
    await onehop("port", "create", "web-1", "--network", "front", "--addresses", "10.0.1.5");
    const { lines, ended } = running(["get", "ports", "-w"]);
    expect((await lines(2))[0]).toMatch(/^EVENT +NAME +NETWORK +ADDRESSES +MAC +HOST +STATUS$/);
    expect((await lines(2))[1]).toMatch(/^added +web-1 +front +10\.0\.1\.5 .* realised$/);
    await onehop("port", "create", "web-2", "--network", "front");
    await lines(3);
    await onehop("port", "delete", "web-1");
    expect((await lines(4)).slice(2).map((l) => l.split(/ +/).slice(0, 3).join(" "))).toEqual([
      "added web-2 front",
      "deleted web-1 front",
    ]);
    stop.abort();
    expect((await ended).code).toBe(0);
  });

  it("prints JSON a line each, and keeps to the filters of list.", async () => {
    const { lines, ended } = running(["port", "list", "-w", "-o", "json", "--label", "tier=web"]);
    const onehop = at();
    await onehop("port", "create", "db-1", "--network", "front");
    await onehop("port", "create", "web-1", "--network", "front", "--label", "tier=web");
    expect(JSON.parse((await lines(1))[0]!)).toMatchObject({ type: "added", object: { name: "web-1" } });
    stop.abort();
    expect((await ended).out.trim().split("\n")).toHaveLength(1);
  });

  it("is for lists, and fails at once where nobody serves.", async () => {
    expect(await at()("get", "ports", "web-1", "-w")).toMatchObject({ code: 2 });
    expect(await running(["get", "ports", "-w"], "unix:/nowhere/api.sock").ended).toMatchObject({ code: 6 });
  });
});

/** An API that answers each watch with the next of these streams. */
async function scripted(streams: readonly (readonly object[] | number)[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const next = streams[asked.length - 1];
    if (typeof next === "number") {
      response.writeHead(next, { "content-type": "application/problem+json" });
      return response.end(JSON.stringify({ status: next, code: "revision_gone", detail: "It is forgotten." }));
    }
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    for (const line of next ?? []) response.write(`${JSON.stringify(line)}\n`);
    if (next) response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url, asked, close };
}

const thing = (name: string, revision: number, state = "realised") => ({ id: name, name, revision, status: { state } });

describe("A broken watch", () => {
  const words = (lines: string[]) => lines.map((l) => JSON.parse(l)).map((e) => `${e.type} ${e.object.name}`);

  it("is resumed after what was told; after 410 it begins anew and shows what differs.", async () => {
    const api = await scripted([
      [
        { type: "added", revision: 2, object: thing("a", 2) },
        { type: "added", revision: 3, object: thing("b", 3) },
        { type: "bookmark", id: 5, revision: 5 },
      ],
      [{ type: "modified", id: 6, revision: 6, object: thing("a", 6) }],
      410,
      [
        { type: "added", revision: 6, object: thing("a", 6) },
        { type: "added", revision: 9, object: thing("c", 9) },
        { type: "bookmark", id: 9, revision: 9 },
      ],
    ]);
    const { lines, ended } = running(["get", "ports", "-w", "-o", "json"], api.url);
    expect(words(await lines(5))).toEqual(["added a", "added b", "modified a", "deleted b", "added c"]);
    stop.abort();
    await ended;
    expect(api.asked.slice(0, 4).map((u) => new URL(u, "http://x").searchParams.get("from_revision"))).toEqual([
      null,
      "5",
      "6",
      null,
    ]);
    api.close();
  });

  it("begins anew where something shown was not realised: it may be by now.", async () => {
    const api = await scripted([
      [
        { type: "added", revision: 2, object: thing("a", 2, "pending") },
        { type: "bookmark", id: 5, revision: 5 },
        { type: "error", problem: { status: 503, code: "slow_reader", detail: "What was sent was not read." } },
      ],
      [
        { type: "added", revision: 2, object: thing("a", 2) },
        { type: "bookmark", id: 5, revision: 5 },
      ],
    ]);
    const { lines, ended } = running(["get", "ports", "-w", "-o", "json"], api.url);
    expect(words(await lines(2))).toEqual(["added a", "modified a"]);
    stop.abort();
    expect((await ended).err).toContain("What was sent was not read. Trying again.");
    api.close();
  });
});
