import { Client } from "@onehop/api";
import {
  GATEWAY_MAC,
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
import type { WatchRequest } from "../../src/look/agents.ts";
import { differencesOf } from "../../src/look/live.ts";
import { FakeAgents } from "./fake_agents.ts";
import { refusal, type Served, serve, world } from "./fixture.ts";

const { frame, eth, arp, ipv4, icmp, decode } = packet;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

let served: Served;
let shop: Awaited<ReturnType<typeof world>>;
let other: Awaited<ReturnType<typeof world>>;
let [port, far, foreign]: Port[] = [];
const agents = new FakeAgents();
const token = async (project: string, role: string): Promise<Client> => {
  const made = await served.root.request("POST", "/v1/tokens", { name: `${role}-1`, role, project_id: project });
  return new Client({ url: served.url, token: (made.body as { secret: string }).secret });
};
let member: Client;
let reader: Client;

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
  foreign = await create("theirs", other, other.host, ["10.0.1.10"]);
  [member, reader] = [await token(shop.project.id, "member"), await token(shop.project.id, "reader")];
});
afterAll(async () => {
  member.close();
  reader.close();
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

describe("A trace", () => {
  test("asks the sending host for the MAC, sends the packet there, and goes on at the host that gets it.", async () => {
    agents.answer = wellBehaved;
    const traced = await trace(reader, { port_id: port!.id, to: "10.0.1.11" });
    expect(agents.asked.map(([host]) => host)).toEqual([shop.host.id, shop.host.id, other.host.id]);
    expect(traced).toMatchObject({
      outcome: "delivered",
      summary: `Delivered to port web-2 on host ${other.host.name}.`,
      from: { port: { name: "web-1" }, project: { name: "shop" } },
      to: { address: "10.0.1.11", port: { name: "web-2" } },
      arp: { decision: { action: "reply" } },
    });
    const [, [, sent]] = agents.asked as [unknown, [string, { frame: string }]];
    const layers = decode(Uint8Array.from(Buffer.from(sent.frame, "base64")));
    expect(layers).toMatchObject([
      { src: port!.mac, dst: far!.mac },
      { src: "10.0.1.10", df: true },
      { kind: "icmp", type: 8 },
    ]);
  });

  test("of an address elsewhere asks for the gateway's MAC first.", async () => {
    agents.answer = () =>
      run({ action: "reply", frame: base64(frame(eth({}), arp({ op: 2, sender_mac: GATEWAY_MAC }))) });
    await trace(reader, { port_id: port!.id, to: "10.9.9.9", protocol: "udp", port: 53 });
    const frames = agents.asked.map(([, q]) =>
      decode(Uint8Array.from(Buffer.from((q as { frame: string }).frame, "base64"))),
    );
    expect(frames[0]![1]).toMatchObject({ kind: "arp", target_ip: "10.0.1.1" });
    expect(frames[1]).toMatchObject([{ dst: GATEWAY_MAC }, { dst: "10.9.9.9" }, { kind: "udp", dport: 53 }]);
  });

  test("that ends in a drop has the reason in words, and what to change; a doubt where Intent knows better.", async () => {
    agents.answer = () =>
      run({ reason: "unknown_destination", stages: [{ stage: "answer_arp", seen: [] }], class: "arp" });
    const nobody = await trace(reader, { port_id: port!.id, to: "10.0.1.99" });
    expect(nobody).toMatchObject({
      outcome: "dropped",
      reason: "unknown_destination",
      hint: "Check the address; bind the port.",
    });
    const known = await trace(reader, { port_id: port!.id, to: "10.0.1.11" });
    expect(known.hint).toContain(`Port web-2 has 10.0.1.11 on host ${other.host.name}.`);
  });

  test("where a host does not answer is unknown from there on, and says so.", async () => {
    agents.answer = wellBehaved;
    agents.down.add(other.host.id);
    const traced = await trace(reader, { port_id: port!.id, to: "10.0.1.11" });
    expect(traced).toMatchObject({ outcome: "unknown", summary: "The host does not answer: no answer." });
    expect(traced.hosts.map((h) => h.decision.action)).toEqual(["host", "unknown"]);
  });

  test("is of the own ports only, and sending takes a member.", async () => {
    const of = (client: Client, body: object) => refusal(trace(client, body));
    expect(await of(reader, { port_id: foreign!.id, to: "10.0.1.1" })).toMatchObject({
      status: 404,
      code: "not_found",
    });
    expect(await of(reader, { port_id: port!.id, to: "10.0.1.1", live: true })).toMatchObject({ status: 403 });
    expect(agents.asked).toEqual([]);
  });

  test.each<[object, string]>([
    [{ to: "10.0.1.256" }, "/to"],
    [{ to: "nobody" }, "/to"],
    [{ to: "10.0.1.1", protocol: "tcp" }, "/port"],
    [{ to: "10.0.1.1", port: 80 }, "/port"],
    [{ to: "10.0.1.1", size: 1 }, "/size"],
    [{ to: "10.0.1.1", size: 60_000 }, "/size"],
    [{ to: "10.0.1.1", protocol: "tcp", port: 80, size: 30 }, "/size"],
    [{ to: "10.0.1.1", colour: "red" }, "/colour"],
    [{}, "/to"],
  ])("%j is refused at %s, and nobody is asked.", async (body, pointer) => {
    const detail = await refusal(trace(member, { port_id: port!.id, ...body }));
    expect(detail.status).toBe(400);
    expect(detail.errors?.map((e) => e.pointer)).toContain(pointer);
    expect(agents.asked).toEqual([]);
  });

  test("live watches every host concerned, sends, and tells what each saw.", async () => {
    agents.answer = (host, question) => {
      if (question.what === "inject")
        for (const watch of agents.watched) watch.onPart({ packets: [seenAt(watch)], lost: 0 });
      return wellBehaved(host, question);
    };
    const seenAt = (watch: WatchRequest): SeenPacket => {
      const first = watch === agents.watched[0];
      const common = { class: "layer2", stage: "deliver", length: 42, frame: "" };
      return first
        ? { ...common, time: 1000, program: "from_endpoint", action: "host", to_host: other.host.number }
        : { ...common, time: 1250, program: "from_uplink", action: "guest", to_port: far!.id };
    };
    const traced = await trace(member, { port_id: port!.id, to: "10.0.1.11", live: true });
    expect(traced.live).toMatchObject({
      differences: [],
      hosts: [
        { after_ms: 0, decision: { action: "host" } },
        { after_ms: 0.25, decision: { action: "guest" } },
      ],
    });
    expect(agents.watched[0]!.want).toMatchObject({
      kind: "decisions",
      src: "10.0.1.10",
      dst: "10.0.1.11",
      ethertype: 0x0800,
    });
    expect(agents.stopped).toBe(2);
  });
});

test("Where reality is not as predicted is told in sentences.", () => {
  const [h1, h2] = [1, 2].map((n) => ({ kind: "host", id: `${n}`, name: `h${n}` }) as const) as [never, never];
  const at = (host: never, action: "host" | "guest" | "drop", reason?: "ttl") =>
    ({ host, stages: [], decision: { action, words: action, ...(reason ? { reason } : {}) } }) as const;
  const predicted = [at(h1, "host"), at(h2, "guest")];
  expect(differencesOf(predicted, predicted, [])).toEqual([]);
  expect(differencesOf(predicted, [at(h1, "host")], [])).toEqual([
    expect.stringContaining("lost in the underlay after host h1"),
  ]);
  expect(differencesOf(predicted, [], [])[0]).toContain("Host h1 has not seen it");
  expect(differencesOf(predicted, [at(h1, "host"), at(h2, "drop", "ttl")], [])).toEqual([
    "On host h2 it was predicted to be guest; it was drop.",
  ]);
  expect(differencesOf(predicted, [at(h1, "drop", "ttl")], [])).toEqual([
    "On host h1 it was predicted to be host; it was drop.", // and h2 need not get what ended before
  ]);
  expect(differencesOf([at(h1, "drop", "ttl")], [at(h1, "drop", "ttl"), at(h2, "guest")], [])).toEqual([
    "Host h2 was not to get it, and it was guest there.",
  ]);
  expect(differencesOf(predicted, [at(h1, "host")], [h2])).toEqual([
    "Host h2 was not watched: its agent does not answer.",
  ]);
});

describe("Drops", () => {
  const row = (port_id: string | undefined, last: string) => ({
    ...(port_id ? { port_id } : {}),
    ...{ reason: "no_route", packets: 1, bytes: 60, since: `${last}T00:00:00Z`, last: `${last}T00:00:00Z` },
  });
  const drops = async (client: Client, query = "") =>
    (await client.request("GET", `/v1/drops${query}`)).body as {
      items: { port?: { name: string } }[];
      silent: unknown[];
    };
  const names = (list: { items: { port?: { name: string } }[] }) => list.items.map((i) => i.port?.name);

  test("are those of the own project, whatever a host tells; an admin sees all, and what no port stands for.", async () => {
    agents.answer = () => [row(port!.id, "2026-01-01"), row(foreign!.id, "2026-01-03"), row(undefined, "2026-01-02")];
    expect(names(await drops(reader))).toEqual(["web-1", "web-1"]);
    expect(agents.asked.map(([, q]) => q)).toEqual([1, 2].map(() => ({ what: "drops", vpcs: [shop.vpc.vni] })));
    expect(new Set(names(await drops(served.root)))).toEqual(new Set(["web-1", "theirs", undefined]));
    expect(names(await drops(served.root, `?host_id=${shop.host.id}&project_id=${other.project.id}`))).toEqual([]);
    expect(names(await drops(served.root, `?port_id=${foreign!.id}`))).toEqual(["theirs"]);
  });

  test("name the hosts that do not answer.", async () => {
    agents.down.add(other.host.id);
    expect(await drops(reader)).toMatchObject({
      silent: [{ host: { name: other.host.name }, why: expect.stringContaining("no answer") }],
    });
  });

  test("of others are not found, and unknown filters are refused.", async () => {
    for (const query of [`?port_id=${foreign!.id}`, `?project_id=${other.project.id}`, `?vpc_id=${other.vpc.id}`])
      expect(await refusal(drops(reader, query))).toMatchObject({ status: 404 });
    expect(await refusal(drops(reader, "?colour=red"))).toMatchObject({ status: 400 });
    expect(agents.asked).toEqual([]);
  });
});

test("Top is sorted by bits, names both ends of a pair, and tells those of the own project.", async () => {
  const pair = (src: string, dst: string, tx_bps: number) => ({ vpc: shop.vpc.vni, src, dst, tx_pps: 1, tx_bps });
  agents.answer = (host) =>
    host === shop.host.id
      ? [pair("10.0.1.10", "10.0.1.11", 5), { ...pair("10.0.1.10", "8.8.8.8", 9), vpc: other.vpc.vni }]
      : [pair("10.0.1.11", "10.0.1.10", 7)];
  const { items } = (await reader.request("GET", "/v1/top?by=pairs&seconds=2")).body as { items: object[] };
  expect(items).toMatchObject([
    { tx_bps: 7, src_port: { name: "web-2" }, dst_port: { name: "web-1" } },
    { tx_bps: 5, src_port: { name: "web-1" }, dst_port: { name: "web-2" } },
  ]);
  expect(agents.asked[0]![1]).toMatchObject({ what: "top", by: "pairs", seconds: 2 });
  for (const query of ["by=hosts", "seconds=0", "seconds=11"])
    expect(await refusal(reader.request("GET", `/v1/top?${query}`))).toMatchObject({ status: 400 });
});

describe("A capture", () => {
  const capture = (client: Client, body: object = {}, signal = new AbortController().signal) =>
    client.file(`/v1/ports/${port!.id}/capture`, body, signal);
  const part = (packets: WatchPart["packets"], end?: "packets") => ({ packets, lost: 3, ...(end ? { end } : {}) });
  const bytes = frame(eth({}), ipv4({ src: "10.0.1.10", dst: "10.0.1.11" }), icmp({}));
  const seen: SeenPacket = {
    ...{ time: 1_700_000_000_123_456, program: "from_endpoint", action: "none", class: "layer2", stage: "parse" },
    ...{ length: 99, frame: base64(bytes) },
  };

  test("is a pcap file, with its end and its losses in the trailers.", async () => {
    const download = await capture(member, { filter: "icmp", count: 1 });
    expect(agents.watched[0]).toMatchObject({
      want: { filter: "icmp", port_id: port!.id },
      limits: { packets: 1, seconds: 60 },
    });
    agents.watched[0]!.onPart(part([seen], "packets"));
    const pieces: Uint8Array[] = [];
    for await (const piece of download.pieces) pieces.push(piece);
    const file = Buffer.concat(pieces);
    expect(file.readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect(file.readUInt32LE(20)).toBe(1);
    expect([24, 28, 32, 36].map((at) => file.readUInt32LE(at))).toEqual([1_700_000_000, 123_456, bytes.length, 99]);
    expect(file.subarray(40)).toEqual(Buffer.from(bytes));
    expect(download.trailers()).toMatchObject({ "onehop-end": "packets", "onehop-lost": "3" });
  });

  test("ends on the host when nobody reads any more.", async () => {
    const ending = new AbortController();
    const download = await capture(member, {}, ending.signal);
    ending.abort();
    for await (const _ of download.pieces);
    await expect.poll(() => agents.stopped).toBe(1);
  });

  test("that does not parse is refused with the place, and nothing is started.", async () => {
    const detail = await refusal(capture(member, { filter: "tcp and prot 80" }));
    expect(detail).toMatchObject({
      status: 400,
      message: expect.stringContaining("at character 9"),
      errors: [{ pointer: "/filter" }],
    });
    for (const body of [{ count: 0 }, { seconds: 9999 }, { snap: 1 }, { colour: 1 }])
      expect((await refusal(capture(member, body))).status).toBe(400);
    expect(agents.watched).toEqual([]);
  });

  test("takes a member of the port's project, and a host that answers.", async () => {
    expect(await refusal(capture(reader))).toMatchObject({ status: 403 });
    const theirs = member.file(`/v1/ports/${foreign!.id}/capture`, {}, new AbortController().signal);
    expect(await refusal(theirs)).toMatchObject({ status: 404 });
    agents.down.add(shop.host.id);
    expect(await refusal(capture(member))).toMatchObject({ status: 503 });
    expect(agents.watched).toEqual([]);
  });

  test("beside two others of the project is refused; when one ends there is room again.", async () => {
    const endings = [new AbortController(), new AbortController()];
    const downloads = [await capture(member, {}, endings[0]!.signal), await capture(member, {}, endings[1]!.signal)];
    expect(await refusal(capture(member))).toMatchObject({ status: 429, code: "too_many_captures" });
    endings[0]!.abort();
    for await (const _ of downloads[0]!.pieces);
    const third = new AbortController();
    await expect
      .poll(() =>
        capture(member, {}, third.signal).then(
          () => "taken",
          () => "refused",
        ),
      )
      .toBe("taken");
    for (const ending of [endings[1]!, third]) ending.abort();
  });
});
