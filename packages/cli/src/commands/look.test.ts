import type { DropList, TopList, TraceAnswer } from "@onehop/core";
import { expect, test } from "vitest";
import { terminal } from "../../test/terminal.ts";
import type { Api } from "../api.ts";
import { parseTarget } from "./trace.ts";

const PORT = "11111111-1111-4111-8111-111111111111";
const ref = (kind: "port" | "host", name: string) => ({ kind, id: PORT, name });

/** An API that knows one port, web-1, and answers everything else as told. */
function api(answer: unknown, file?: Api["file"]): { api: Api; asked: [string, string, unknown][] } {
  const asked: [string, string, unknown][] = [];
  const web = {
    id: PORT,
    name: "web-1",
    labels: {},
    revision: 1,
    status: { state: "realised" },
    addresses: ["10.0.1.5"],
  };
  const fake = {
    async request(method: string, path: string, body?: unknown) {
      asked.push([method, path, body]);
      return { status: 200, body: path.startsWith("/v1/ports?") ? { items: [web] } : answer };
    },
    file: file ?? (() => Promise.reject(new Error("no file was expected"))),
    lines: () => Promise.reject(new Error("no lines were expected")),
  };
  return { api: fake as unknown as Api, asked };
}

test.each([
  ["10.0.2.6", { to: "10.0.2.6", protocol: "icmp" }],
  ["10.0.2.6:80", { to: "10.0.2.6", protocol: "tcp", port: 80 }],
  ["10.0.2.6:53/udp", { to: "10.0.2.6", protocol: "udp", port: 53 }],
  ["10.0.2.6/arp", { to: "10.0.2.6", protocol: "arp" }],
  ["gateway", { to: "gateway", protocol: "icmp" }],
  ["front/web-1:443/tcp", { to: "front/web-1", protocol: "tcp", port: 443 }],
])("%s is a target.", (text, target) => {
  expect(parseTarget(text)).toEqual(target);
});

test.each([
  ["fe80::1", "Only IPv4"],
  ["10.0.2.6/sctp", "Protocols are"],
])("%s is no target, and the hint says what is.", (text, hint) => {
  expect(() => parseTarget(text)).toThrow(
    expect.objectContaining({ detail: expect.objectContaining({ hint: expect.stringContaining(hint) }) }),
  );
});

test("Why takes the name of the port that has the address.", async () => {
  const { api: fake, asked } = api({ way: "local", why: "Both ports are on the same host." });
  const { out } = await terminal(fake)("why", "web-1", "web-1");
  expect(asked.at(-1)).toEqual(["POST", "/v1/why", { port_id: PORT, to: "10.0.1.5" }]);
  expect(out).toBe("local. Both ports are on the same host.\n");
});

test("What a host counted of messages is told a person without what never happened.", async () => {
  const counted = { messages: { asked: 2, tag: 0 }, tables: { macs: 0 } };
  const { api: fake } = api(counted);
  expect((await terminal(fake)("host", "datapath", PORT)).out).toBe("messages.asked  2\ntables.macs     0\n");
  const json = (await terminal(fake)("host", "datapath", PORT, "-o", "json")).out;
  expect(JSON.parse(json)).toEqual(counted);
});

const TRACED: TraceAnswer = {
  outcome: "dropped",
  summary: "Dropped on host h1: No route of the VPC leads to the address.",
  reason: "no_route",
  hint: "Add a route: onehop route create.",
  from: { address: "10.0.1.5", port: ref("port", "web-1"), host: ref("host", "h1") },
  to: { address: "172.16.0.1" },
  packet: "10.0.1.5 > 172.16.0.1",
  hosts: [
    {
      host: ref("host", "h1"),
      program: "from_endpoint",
      stages: [
        { stage: "parse", result: "passed", words: "10.0.1.5 > 172.16.0.1", objects: [], entries: [] },
        { stage: "route", result: "ended", words: "no route leads there\u001b[2J", objects: [], entries: [] },
      ],
      decision: { action: "drop", words: "dropped: no route", reason: "no_route" },
    },
  ],
  live: { hosts: [], differences: ["Host h1 has not seen it."] },
};

test("A trace is told stage by stage, then in a sentence, with what to change; control characters are not printed.", async () => {
  const { api: fake, asked } = api(TRACED);
  const { code, out } = await terminal(fake)(
    "trace",
    "--from",
    "web-1",
    "--to",
    "web-1:80/tcp",
    "--live",
    "--size",
    "100",
  );
  expect([code, out]).toEqual([
    0,
    [
      "web-1 (10.0.1.5 on h1) > 172.16.0.1",
      "10.0.1.5 > 172.16.0.1",
      "",
      "h1  from_endpoint",
      "    ok   parse  10.0.1.5 > 172.16.0.1",
      "    end  route  no route leads there?[2J",
      "       dropped: no route",
      "",
      "Dropped on host h1: No route of the VPC leads to the address.",
      "Hint: Add a route: onehop route create.",
      "",
      "A real packet was sent:",
      "Host h1 has not seen it.",
      "",
    ].join("\n"),
  ]);
  expect(asked.at(-1)).toEqual([
    "POST",
    "/v1/trace",
    { port_id: PORT, to: "10.0.1.5", protocol: "tcp", port: 80, size: 100, live: true },
  ]);
  const json = await terminal(fake)("trace", "--from", "web-1", "--to", "gateway", "-o", "json");
  expect(JSON.parse(json.out)).toEqual(TRACED);
});

test("Drops are a table with each reason in words beneath; hosts that are silent are named on standard error.", async () => {
  const list: DropList = {
    items: [
      {
        ...{
          host: ref("host", "h1"),
          port: ref("port", "web-1"),
          reason: "no_route",
          title: "No route.",
          hint: "Add one.",
        },
        ...{
          packets: 7,
          bytes: 420,
          since: "2026-01-01T00:00:00.123Z",
          since_before: true,
          last: "2026-01-01T00:00:09.000Z",
        },
        example: "a > b",
      },
    ],
    silent: [{ host: ref("host", "h2"), why: "The host does not answer: no answer." }],
  };
  const { api: fake, asked } = api(list);
  const said = await terminal(fake)("drops", "--port", "web-1");
  expect(said.out).toBe(
    "PORT   HOST  REASON    PACKETS  SINCE                        LAST                  EXAMPLE\n" +
      "web-1  h1    no_route  7        before 2026-01-01T00:00:00Z  2026-01-01T00:00:09Z  a > b\n" +
      "\nno_route: No route. Add one.\n",
  );
  expect(said.err).toBe("Host h2 is not counted. The host does not answer: no answer.\n");
  expect(asked.at(-1)![1]).toBe(`/v1/drops?port_id=${PORT}`);
  expect((await terminal(api({ items: [], silent: [] }).api)("drops")).err).toBe("Nothing was dropped.\n");
});

test("Top shows rates in short, those that send nothing not at all.", async () => {
  const at = { host: ref("host", "h1") };
  const list: TopList = {
    items: [
      { ...at, port: ref("port", "web-1"), tx_pps: 1234, tx_bps: 12_345_678, rx_pps: 999, rx_bps: 0 },
      { ...at, port: ref("port", "idle"), tx_pps: 0, tx_bps: 0, rx_pps: 0, rx_bps: 0 },
    ],
    seconds: 1,
    silent: [],
  };
  const { out } = await terminal(api(list).api)("top");
  expect(out).toBe("PORT   HOST  TX PPS  TX BIT/S  RX PPS  RX BIT/S\nweb-1  h1    1.2k    12.3M     999     0\n");
});

test("A capture's packets are lines on a terminal; why it ended is told on standard error.", async () => {
  const record = Buffer.alloc(24 + 16 + 14);
  record.writeUInt32LE(14, 24 + 8);
  async function* pieces() {
    yield record.subarray(0, 30);
    yield record.subarray(30);
  }
  const file: Api["file"] = async () => ({
    pieces: pieces(),
    trailers: () => ({ "onehop-end": "packets", "onehop-lost": "2" }),
  });
  const { out, err, code } = await terminal(api({}, file).api, { isTTY: true })("capture", "web-1", "--count", "1");
  expect([code, err]).toEqual([0, "1 packets, 2 more found no room, as many as were asked for.\n"]);
  expect(out).toBe("00:00:00:00:00:00 > 00:00:00:00:00:00 type 0x0000, 14 bytes\n");
  const failed: Api["file"] = async () => ({ pieces: pieces(), trailers: () => ({ "onehop-end": "failed" }) });
  expect(await terminal(api({}, failed).api)("capture", "web-1")).toMatchObject({
    code: 1,
    err: expect.stringContaining("went away"),
  });
});

test.each([
  [["trace", "--from", "web-1", "--to", "10.0.0.1", "--size", "big"], /no number of bytes/],
  [["capture", "web-1", "--count", "many"], /--count "many" is no number/],
  [["top", "hosts"], /There is no top of "hosts"/],
  [["top", "--limit", "0"], /--limit/],
])("%j is refused before anything is asked.", async (words, message) => {
  const { api: fake, asked } = api({});
  const said = await terminal(fake)(...words);
  expect(said).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  expect(asked.filter(([, path]) => !path.startsWith("/v1/ports?"))).toEqual([]);
});
