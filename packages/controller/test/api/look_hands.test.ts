import { Client } from "@onehop/api";
import {
  type Host,
  type Port,
  packet,
  type Question,
  type RunAnswer,
  type SeenPacket,
  type TraceAnswer,
  type WatchPart,
} from "@onehop/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { careful } from "../../src/look/answers.ts";
import { bounded } from "../../src/look/bounds.ts";
import { FakeAgents } from "./fake_agents.ts";
import { refusal, type Served, serve, world } from "./fixture.ts";

const { frame, eth, arp, ipv4, icmp, decode } = packet;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const T = "2026-01-02T03:04:05.678Z";

let served: Served;
let shop: Awaited<ReturnType<typeof world>>;
let other: Awaited<ReturnType<typeof world>>;
let [port, far]: Port[] = [];
const agents = new FakeAgents();
const token = async (project: string, role: string): Promise<Client> => {
  const made = await served.root.request("POST", "/v1/tokens", { name: `${role}-1`, role, project_id: project });
  return new Client({ url: served.url, token: (made.body as { secret: string }).secret });
};
let member: Client;

beforeAll(async () => {
  served = await serve({ agents });
  shop = await world(served.root);
  other = await world(served.root, { project: "other" });
  const create = async (name: string, at: typeof shop, host: Host, addresses: string[]) => {
    const made = await served.root.create("ports", { name, network_id: at.network.id, host_id: host.id, addresses });
    return made as unknown as Port;
  };
  port = await create("web-1", shop, shop.host, ["10.0.1.10"]);
  far = await create("web-2", shop, other.host, ["10.0.1.11"]);
  member = await token(shop.project.id, "member");
});
afterAll(async () => {
  member.close();
  await served.close();
});
beforeEach(() => {
  Object.assign(agents, { asked: [], watched: [], stopped: 0, answer: () => [] });
  agents.down.clear();
});

const trace = (client: Client, body: object) =>
  client.request("POST", "/v1/trace", body).then((a) => a.body as TraceAnswer);

const run = (more: Partial<RunAnswer>): RunAnswer => ({
  program: "from_endpoint",
  device: "oh1",
  stages: [{ stage: "deliver", seen: [] }],
  class: "layer2",
  action: "drop",
  frame: "",
  ...more,
});

/** web-1's host answers ARP for web-2 and sends on; web-2's host delivers. */
function wellBehaved(hostId: string, question: Question): unknown {
  if (question.what !== "run") return {};
  if (hostId === other.host.id)
    return run({ program: "from_uplink", action: "guest", to_port: far!.id, frame: question.frame });
  const [, inner] = decode(Uint8Array.from(Buffer.from(question.frame, "base64")));
  if (inner?.kind === "arp") {
    const reply = arp({ op: 2, sender_mac: far!.mac, sender_ip: inner.target_ip, target_mac: port!.mac });
    return run({
      class: "arp",
      action: "reply",
      stages: [{ stage: "answer_arp", seen: [] }],
      frame: base64(frame(eth({}), reply)),
    });
  }
  return run({
    action: "host",
    to_host: other.host.number,
    out: { device: "up0", next_hop: "198.18.1.0" },
    frame: question.frame,
  });
}

describe("A host in other hands", () => {
  const id = "00000000-0000-4000-8000-000000000001";
  const drop = { port_id: id, vpc: 1, reason: "ttl", packets: 1, bytes: 2, since: T, last: T };
  const top = { vpc: 1, src: "10.0.0.1", dst: "10.0.0.2", tx_pps: 1, tx_bps: 2 };
  const row = {
    ...{ vpc: 1, address: "10.0.0.1", host: 2, port: id, claim: { epoch: 1, revision: 2, sequence: 0 } },
    ...{ since_ms: 1, taught_ms: 1, used_ms: 1, packets: 1, confirmed: true, silent: false },
  };
  const learned = { entries: [row], ways: [], messages: {}, barred: [], use: [] };

  test.each<[string, unknown, (garbage: unknown) => unknown]>([
    ["drops", [drop], (garbage) => [drop, garbage]],
    ["drops", [drop], (garbage) => [{ ...drop, reason: garbage }]],
    ["drops", [drop], (garbage) => [{ ...drop, last: garbage }]],
    ["top?by=pairs", [top], (garbage) => [{ ...top, tx_bps: garbage }]],
    ["top", [top], (garbage) => garbage],
    ["learned", learned, (garbage) => ({ ...learned, entries: [{ ...row, address: garbage }] })],
    ["learned", learned, (garbage) => ({ ...learned, ways: [garbage] })],
    ["learned", learned, (garbage) => ({ ...learned, use: [garbage] })],
    ["learned", learned, (garbage) => garbage],
  ])("does not make %s answer what it likes, and is told apart.", async (path, good, bad) => {
    for (const garbage of [null, -1, "x".repeat(400), {}, [[]], { toString: 1 }, Number.MAX_VALUE]) {
      agents.answer = (hostId) => (hostId === shop.host.id ? good : bad(garbage));
      const { body } = await served.root.request("GET", `/v1/${path}`);
      const { items, silent } = body as { items: { host?: { id: string } }[]; silent: { host: { id: string } }[] };
      expect(items).toHaveLength(1);
      expect(silent.map((s) => s.host.id)).toEqual([other.host.id]);
    }
  });

  test("answers more than was asked: members that nobody knows are left out.", async () => {
    agents.answer = () => [{ ...drop, html: "<script>" }];
    const { body } = await served.root.request("GET", "/v1/drops");
    expect((body as { items: object[] }).items[0]).not.toHaveProperty("html");
  });

  test("breaks no trace: its outcome is not known.", async () => {
    for (const garbage of [null, {}, { action: "guest" }, { ...run({}), stages: "none" }, run({ frame: "%" })]) {
      agents.answer = (hostId, question) => (hostId === other.host.id ? garbage : wellBehaved(hostId, question));
      const answer = await trace(member, { port_id: port!.id, to: "10.0.1.11" });
      expect(answer).toMatchObject({ outcome: "unknown", hosts: [{}, { stages: [] }] });
    }
  });

  test("keeps two live traces of a project waiting, not more.", async () => {
    let answer: (value: unknown) => void = () => undefined;
    const held = new Promise((resolve) => {
      answer = resolve;
    });
    agents.answer = () => held;
    const body = { port_id: port!.id, to: "10.0.1.11", live: true };
    const two = [trace(member, body), trace(member, body)];
    await expect.poll(() => agents.asked.length).toBe(2);
    expect(await refusal(trace(member, body))).toMatchObject({ status: 429, code: "too_many_traces" });
    answer(run({ reason: "device_gone" }));
    await Promise.all(two);
    expect(await trace(member, body)).toMatchObject({ outcome: "dropped" });
  });
});

describe("A watch", () => {
  const bytes = frame(eth({}), ipv4({ src: "10.0.1.10", dst: "10.0.1.11" }), icmp({}));
  const seen: SeenPacket = {
    ...{ time: 1_700_000_000_123_456, program: "from_endpoint", action: "none", class: "layer2", stage: "parse" },
    ...{ length: 99, frame: base64(bytes) },
  };

  test("on a host that six others watch is refused, whoever asks.", async () => {
    const bounds = bounded(agents);
    const request = { want: { kind: "capture", port_id: port!.id }, limits: {}, onPart: () => undefined } as never;
    const watches = await Promise.all(Array.from({ length: 6 }, () => bounds.watch("h", request)));
    await expect(bounds.watch("h", request)).rejects.toMatchObject({ detail: { status: 429, code: "host_busy" } });
    await bounds.watch("another", request);
    watches[0]!.stop();
    await bounds.watch("h", request);
    agents.down.add("h");
    watches[1]!.stop();
    await expect(bounds.watch("h", request)).rejects.toMatchObject({ detail: { status: 503 } });
  });

  test("leaves out what a host says that it saw and is no packet.", async () => {
    const parts: WatchPart["packets"][] = [];
    const warned: string[] = [];
    const sound = careful(agents, { warn: (_, sentence) => warned.push(sentence) });
    await sound.watch("h", { onPart: (part: WatchPart) => parts.push(part.packets) } as never);
    for (const bad of [{ ...seen, time: "now" }, { ...seen, reason: "because" }, null, { ...seen, frame: "\u0000" }])
      agents.watched[0]!.onPart({ packets: [seen, bad as never], lost: Number.NaN });
    expect(parts).toEqual(Array(4).fill([seen]));
    expect(warned).toHaveLength(1);
  });
});
