import { fileURLToPath } from "node:url";
import type { TraceAnswer } from "@onehop/core";
import { run } from "@onehop/lab";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressOf, LearningLab } from "./lab.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
let it: LearningLab;
let from: string;
beforeAll(async () => {
  await run([`${ROOT}/tools/setup.sh`]);
  it = await LearningLab.up();
  from = (await it.lab.client.list("ports")).find((p) => p.name === "g1")!.id;
});
afterAll(() => it?.lab.close());

const trace = async (to: string, more = {}) =>
  (await it.lab.client.request("POST", "/v1/trace", { port_id: from, to, ...more })).body as TraceAnswer;
const way = (hosts: readonly { readonly host: { readonly name: string } }[]) => hosts.map((h) => h.host.name);
const wordsOf = (answer: TraceAnswer, at: number, stage: string) =>
  answer.hosts[at]!.stages.find((s) => s.stage === stage)!;

test("the first packet of a pair is followed over the hub, and what is sent goes as predicted", async () => {
  const answer = await trace(addressOf(2), { live: true });
  const [sender, hub, receiver] = way(answer.hosts);
  expect([sender, receiver]).toEqual(["h1", "h2"]);
  expect(["h4", "h5"]).toContain(hub);
  expect(answer.outcome).toBe("delivered");
  expect(answer.summary).toContain(`The first packet goes by hub ${hub}; from then on they go straight.`);
  const route = wordsOf(answer, 0, "route");
  expect(route.words).toContain(`by hub ${hub}, one of 2, with a question beside it`);
  expect(route.objects.map((o) => o.name)).toEqual(["g2", hub]);
  const relay = wordsOf(answer, 1, "relay");
  expect(relay.words).toBe("passed on to host h2 by a hub of the VPC (passed on 1 of 3 times)");
  expect(wordsOf(answer, 1, "route").objects.map((o) => o.name)).toEqual(["g2", "h2"]);
  expect(answer.live!.differences).toEqual([]);
  expect(way(answer.live!.hosts)).toEqual(["h1", hub, "h2"]);
});

test("the next packets go straight, and it is said who taught that", async () => {
  const answer = await trace(addressOf(2), { live: true });
  expect(way(answer.hosts)).toEqual(["h1", "h2"]);
  expect(answer.summary).toBe("Delivered to port g2 on host h2.");
  expect(wordsOf(answer, 0, "route").words).toBe(`${addressOf(2)} is port g2, learned from host h2`);
  expect(answer.live!.differences).toEqual([]);
  expect(way(answer.live!.hosts)).toEqual(["h1", "h2"]);
});

test("an address that nobody has ends at the hub", async () => {
  const answer = await trace("10.0.2.99");
  expect(answer).toMatchObject({ outcome: "dropped", reason: "unknown_destination" });
  // One that has not heard its controller lately tries the other.
  expect(["h4", "h5"]).toContain(way(answer.hosts).at(-1));
  expect(answer.summary).toContain("The first packet goes by hub");
});

test("a guest that moved is followed by its former host", async () => {
  await it.move(2, "h3");
  const answer = await trace(addressOf(2));
  expect(way(answer.hosts).slice(0, 2)).toEqual(["h1", "h2"]);
  expect(way(answer.hosts).at(-1)).toBe("h3");
  expect(wordsOf(answer, 1, "relay").words).toContain("by the guest's former host");
  expect(answer.outcome).toBe("delivered");
});
