import { execFileSync } from "node:child_process";
import { Client, Unreachable } from "@onehop/api";
import { OnehopError } from "@onehop/core";
import { type Store, StoreError } from "@onehop/store";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ManualClock, MemoryStore, randomUUID, refusal, type Served, serve, world } from "./fixture.ts";

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

test("health, readiness, version and the document are there for anyone", async () => {
  const anyone = new Client({ url: served.url });
  const body = async (path: string) => (await anyone.request("GET", path)).body;
  expect(await body("/healthz")).toEqual({ status: "ok" });
  expect(await body("/readyz")).toMatchObject({ status: "ok" });
  expect(await body("/version")).toEqual({ version: "0.1.0", api: "v1" });
  expect(await body("/openapi.json")).toMatchObject({ openapi: "3.1.0" });
  anyone.close();
});

test("the metrics pass promtool's lint, and count objects and requests", async () => {
  await world(served.root);
  await refusal(served.root.request("GET", "/nowhere"));
  const text = (await served.root.request("GET", "/metrics")).body as string;
  execFileSync("promtool", ["check", "metrics"], { input: text });
  expect(text).toContain('onehop_controller_http_requests_total{method="POST",route="/v1/vpcs",code="201"} 1');
  expect(text).toContain('onehop_controller_http_requests_total{method="GET",route="unknown",code="404"} 1');
  expect(text).toContain('onehop_controller_objects{noun="networks"} 1');
  expect(text).toContain('onehop_controller_build_info{version="0.1.0"} 1');
});

test("logs are JSON lines with the request's id, and one tells of each write", async () => {
  await served.root.request("POST", "/v1/projects", { name: "shop" }, { "x-request-id": "req-7" });
  const lines = served.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
  const write = lines.find((l) => l.msg === "write");
  expect(write).toMatchObject({ request_id: "req-7", who: "root", verb: "POST", kind: "project", status: 201 });
});

/** A store that fails, or never answers, on command. */
interface Mode {
  now?: "throws" | "hangs";
  /** Calls that hang. */
  hung: number;
}
function broken(store: Store, mode: Mode): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const real = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (mode.now === "throws") return Promise.reject(new StoreError("unavailable", "gone"));
        if (mode.now !== "hangs" || name === "watch") return real.apply(target, args);
        mode.hung++;
        return new Promise(() => {});
      };
    },
  });
}

/** Requests that came in since the store failed. */
const arrived = ({ logs }: Served): number =>
  logs.filter((l) => /"msg":"incoming request"/.test(l) && !/healthz/.test(l)).length - 1;

test("without its store the API answers 503 in time, and is not ready", async () => {
  const mode: Mode = { hung: 0 };
  const clock = new ManualClock();
  const other = await serve({ store: broken(new MemoryStore(), mode), clock });
  const project = await other.root.create("projects", { name: "shop" });
  for (const now of ["throws", "hangs"] as const) {
    mode.now = now;
    const calls = [
      other.root.get("projects", project.id),
      other.root.list("vpcs"),
      other.root.request("GET", "/readyz"),
      // Of the writes one asks the store and the others wait for their turn.
      other.root.create("projects", { name: "x" }),
      other.root.patch("projects", project.id, { labels: { a: "1" } }),
      other.root.delete("projects", project.id),
    ].map(refusal);
    if (now === "hangs") {
      await vi.waitFor(() => expect(mode.hung).toBe(4));
      await vi.waitFor(() => expect(arrived(other)).toBe(2 * calls.length));
      await clock.advance(1900);
    }
    for (const detail of await Promise.all(calls))
      expect(detail).toMatchObject({ status: 503, code: "store_unavailable", retry_after: 1 });
    expect((await other.root.request("GET", "/healthz")).status).toBe(200);
  }
  delete mode.now;
  expect((await other.root.request("GET", "/readyz")).status).toBe(200);
  await other.close();
});

test("a mistake of the controller is a 500 that tells nothing of the inside", async () => {
  const { network, host } = await world(served.root);
  const port = await served.root.create("ports", { network_id: network.id, host_id: host.id });
  served.status.answers = () => {
    throw new TypeError("secret thing is undefined");
  };
  const detail = await refusal(served.root.request("GET", `/v1/ports/${port.id}/counters`));
  expect(detail).toMatchObject({ status: 500, code: "internal" });
  expect(JSON.stringify(detail)).not.toContain("secret thing");
  expect(served.logs.join("")).toContain("secret thing");
});

test("counters and the data path are asked of the host; what it answers comes back", async () => {
  const { network, host } = await world(served.root);
  const port = await served.root.create("ports", { network_id: network.id, host_id: host.id });
  const loose = await served.root.create("ports", { network_id: network.id });
  served.status.answers = (...asked) => ({ asked });
  const body = async (path: string) => (await served.root.request("GET", path)).body;
  expect(await body(`/v1/ports/${port.id}/counters`)).toEqual({ asked: [host.id, "counters", port.id] });
  expect(await body(`/v1/hosts/${host.id}/datapath`)).toEqual({ asked: [host.id, "host", null] });
  expect((await refusal(body(`/v1/ports/${loose.id}/counters`))).code).toBe("not_bound");
  expect((await refusal(body(`/v1/ports/${randomUUID()}/counters`))).status).toBe(404);
  served.status.answers = () => {
    throw new OnehopError({ code: "host_unreachable", status: 503, message: "The agent of host h1 is not connected." });
  };
  expect(await refusal(body(`/v1/hosts/${host.id}/datapath`))).toMatchObject({ status: 503, code: "host_unreachable" });
});

test("a wait ends as soon as the object is realised", async () => {
  const { vpc } = await world(served.root);
  served.status.turn("pending");
  const waiting = served.root.wait("vpcs", vpc.id, 300);
  await vi.waitFor(() => expect(served.status.waiting).toBe(1));
  served.status.turn("degraded");
  served.status.turn("realised");
  expect((await waiting).status.state).toBe("realised");
});

test("a wait that times out answers the object as it is", async () => {
  const { vpc } = await world(served.root);
  served.status.turn("pending");
  expect((await served.root.wait("vpcs", vpc.id, 0)).status.state).toBe("pending");
  const clock = new ManualClock();
  const other = await serve({ store: served.store, clock });
  other.status.turn("degraded");
  const waiting = other.root.wait("vpcs", vpc.id, 30);
  await vi.waitFor(() => expect(other.status.waiting).toBe(1));
  await clock.advance(30_000);
  expect((await waiting).status.state).toBe("degraded");
  await other.close();
});

test("a wait for what is deleted is 404, and a server that ends does not keep anybody waiting", async () => {
  const { vpc, network } = await world(served.root);
  served.status.turn("pending");
  const gone = refusal(served.root.wait("networks", network.id, 300));
  await vi.waitFor(() => expect(served.status.waiting).toBe(1));
  await served.root.delete("networks", network.id);
  served.status.turn("pending");
  expect((await gone).status).toBe(404);
  const waiting = served.root.wait("vpcs", vpc.id, 300);
  await vi.waitFor(() => expect(served.status.waiting).toBe(1));
  const closed = served.server.close();
  expect((await waiting).status.state).toBe("pending");
  await closed;
  served = await serve();
});

test.each([
  "wait_for=deleted",
  "wait_for=realised&timeout_s=301",
  "timeout_s=1&wait_for=realised&x=1",
  "wait_for=realised&timeout_s=-1",
])("%s is refused", async (query) => {
  const { vpc } = await world(served.root);
  expect((await refusal(served.root.request("GET", `/v1/vpcs/${vpc.id}?${query}`))).status).toBe(400);
});

test("a client that finds nobody says so", async () => {
  const client = new Client({ url: "unix:/nowhere/api.sock" });
  await expect(client.list("vpcs")).rejects.toThrow(Unreachable);
  await expect(client.list("vpcs")).rejects.toThrow("The API at unix:/nowhere/api.sock cannot be reached");
  expect(() => new Client({ url: "ftp://x" })).toThrow("not an address of the API");
});
