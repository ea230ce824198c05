import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TopList } from "@onehop/core";
import { type Guest, inNamespace, run, tryRun, until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import { note, station } from "@onehop/testkit/netns/frames";
import { Nic } from "@onehop/testkit/netns/nic";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Operator } from "./operator.ts";

/** What is seen of a region that works: by whom, how much of it, and at what cost. */
let operator: Operator;
let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "onehop-looking-"));
  operator = await Operator.at();
}, 120_000);
afterAll(async () => {
  await operator?.close();
  rmSync(scratch, { recursive: true });
});

const file = (name: string): string => join(scratch, name);
const started = (path: string) =>
  until(`${path} to begin`, () => (existsSync(path) && statSync(path).size >= 24) || undefined);

/** Names and ids of the programs on the devices of a host. */
async function programsOf(host: string): Promise<string[]> {
  const { stdout } = await operator.types("host", "datapath", host, "-o", "json");
  const { links } = JSON.parse(stdout) as { links: { place: string; owner: string; current: boolean }[] };
  expect(links.every((l) => l.current)).toBe(true);
  const pins = join(operator.lab.files.pins(host), "links");
  const ids = await Promise.all(
    links.map(async ({ place, owner }) => {
      const shown = await run(["bpftool", "-j", "link", "show", "pinned", join(pins, `${place}_${owner}`)]);
      return `${place}_${owner} ${(JSON.parse(shown) as { prog_id: number }).prog_id}`;
    }),
  );
  return ids.sort();
}

const tshark = async (path: string, ...more: readonly string[]): Promise<string[]> =>
  (await run(["tshark", "-n", "-r", path, ...more])).trim().split("\n");

describe("A capture", () => {
  test("has both directions as the guest sends and gets them, and tshark reads it.", async () => {
    const path = file("both.pcap");
    const { namespace } = operator.guest("blue-web-1");
    const capture = operator.types(
      "capture",
      "web-1",
      "--project",
      "blue",
      "--filter",
      "icmp",
      "--count",
      "10",
      "-w",
      path,
    );
    await started(path);
    await ping({ namespace, to: "10.0.2.11", count: 5 });
    expect(await capture).toMatchObject({ code: 0, stderr: "10 packets, as many as were asked for.\n" });
    const rows = await tshark(path, "-T", "fields", "-e", "ip.src", "-e", "ip.ttl", "-e", "icmp.type", "-e", "eth.dst");
    const { mac } = operator.guest("blue-web-1");
    expect(new Set(rows)).toEqual(new Set([`10.0.1.10\t64\t8\t0e:00:00:00:00:01`, `10.0.2.11\t63\t0\t${mac}`]));
    expect(rows).toHaveLength(10);
  });

  test("goes to standard output as well, and ends by itself when its time is over.", async () => {
    const said = await operator.types(
      "capture",
      "web-1",
      "--project",
      "blue",
      "--seconds",
      "1",
      "--filter",
      "tcp port 9",
    );
    expect(said).toMatchObject({ code: 0, stderr: "0 packets, the time is over.\n" });
    // The head of a pcap file of version 2.4, as far as it is text.
    expect(said.stdout).toContain("\u0002\0\u0004\0");
  });

  test("loses no packet of those that pass while programs are put in place and back, and leaves the former ones.", async () => {
    const before = await programsOf("h1");
    const probe = ping({
      namespace: operator.guest("blue-web-1").namespace,
      to: "10.0.2.11",
      count: 3000,
      intervalMs: 2,
    });
    for (let n = 0; n < 4; n++) {
      const { code } = await operator.types(
        "capture",
        "web-1",
        "--project",
        "blue",
        "--count",
        "5",
        "--seconds",
        "5",
        "-w",
        "/dev/null",
      );
      expect(code).toBe(0);
    }
    expect(await probe).toMatchObject({ sent: 3000, received: 3000 });
    expect(await programsOf("h1")).toEqual(before);
  });

  test("whose agent is killed leaves telling programs to nobody: the next agent puts working ones in their place.", async () => {
    const path = file("killed.pcap");
    const capture = operator.types("capture", "web-2", "--project", "blue", "--seconds", "60", "-w", path);
    await started(path);
    const probe = ping({
      namespace: operator.guest("blue-web-1").namespace,
      to: "10.0.1.11",
      count: 800,
      intervalMs: 5,
    });
    await operator.lab.agents.get("h1")!.kill();
    await capture;
    await operator.lab.startAgent("h1");
    await operator.lab.realised();
    expect(await probe).toMatchObject({ sent: 800, received: 800 });
    await programsOf("h1");
    await expect(tshark(path)).resolves.toBeDefined();
  });
});

describe("Drops", () => {
  test("of one tenant stay readable while another's guest floods, and nothing of them is kept on disk.", async () => {
    const [flooder, victim] = ["green-web-1", "blue-web-1"].map((n) => operator.guest(n)) as [Guest, Guest];
    const nic = await Nic.ofGuest(flooder.namespace);
    const stateOf = () => run(["du", "-sb", operator.lab.files.hostDir("h1")]);
    const before = await stateOf();
    const spoof = note({ ...station(flooder), address: "10.0.1.99" }, station(operator.guest("green-web-2")), "flood");
    const flood = nic.flood(spoof, { count: 60_000, rate: 20_000 });
    await operator.pings("blue-web-1", "10.77.0.1");
    await flood;
    const of = async (project: string) => (await operator.drops("--project", project)).items;
    const [mine, theirs] = [await of("blue"), await of("green")];
    expect(mine.map((d) => [d.port?.name, d.project?.name, d.reason])).toEqual([["web-1", "blue", "no_route"]]);
    expect(mine[0]!.example).toContain(`${victim.addresses[0]} > 10.77.0.1`);
    expect(theirs.map((d) => [d.project?.name, d.reason])).toEqual([["green", "source_address"]]);
    expect(theirs[0]!.packets).toBeGreaterThanOrEqual(60_000);
    expect(await stateOf()).toBe(before);
    await nic.close();
  });
});

describe("Top", () => {
  test("has the ports that send most first, and pairs by their names, counted where they send.", async () => {
    const { namespace } = operator.guest("blue-web-1");
    const traffic = tryRun(inNamespace(namespace, ["ping", "-q", "-i", "0.002", "-c", "2500", "10.0.2.11"]));
    const top = async (what: string): Promise<TopList> =>
      JSON.parse((await operator.types("top", what, "--project", "blue", "--seconds", "1", "-o", "json")).stdout);
    const ports = await top("ports");
    expect(new Set(ports.items.slice(0, 2).map((i) => i.port?.name))).toEqual(new Set(["web-1", "app-2"]));
    expect(ports.items[0]!.tx_pps).toBeGreaterThan(50);
    const pairs = await top("pairs");
    const ends = pairs.items.map((i) => [i.src_port?.name, i.dst_port?.name, i.host.name]);
    expect(ends).toContainEqual(["web-1", "app-2", "h1"]);
    expect(ends).toContainEqual(["app-2", "web-1", "h3"]);
    await traffic;
  });
});

describe("Bad input is told, and changes nothing", () => {
  test.each<[string, string[], number, RegExp]>([
    ["a port that is not there", ["trace", "--from", "nobody", "--to", "10.0.1.1"], 3, /There is no port "nobody"/],
    ["an address that is none", ["trace", "--from", "web-1", "--to", "10.0.1.256"], 2, /must be an IPv4 address/],
    ["a port of TCP that is none", ["trace", "--from", "web-1", "--to", "10.0.1.1:99999/tcp"], 2, /port/],
    ["TCP without a port", ["trace", "--from", "web-1", "--to", "10.0.1.1/tcp"], 2, /is needed for tcp/],
    ["a packet that is too large", ["trace", "--from", "web-1", "--to", "10.0.1.1", "--size", "9999"], 2, /size/],
    ["a filter that does not parse", ["capture", "web-1", "--filter", "tcp and prot 80"], 2, /at character 9/],
    ["no packets at all", ["capture", "web-1", "--count", "0"], 2, /count/],
    ["a capture for ever", ["capture", "web-1", "--seconds", "100000"], 2, /seconds/],
    ["a project that is not there", ["drops", "--project", "nobody"], 3, /There is no project/],
    ["a top of something else", ["top", "hosts"], 2, /ports or pairs/],
  ])("%s.", async (_, words, code, message) => {
    const before = await programsOf("h1");
    const scoped = words.includes("--project") ? words : [...words, "--project", "blue"];
    const said = await operator.types(...scoped);
    expect(said).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
    expect(await programsOf("h1")).toEqual(before);
  });

  test("a port that is bound to no host.", async () => {
    await operator.types("port", "create", "loose", "--project", "blue", "--vpc", "prod", "--network", "front");
    for (const words of [
      ["trace", "--from", "loose", "--to", "gateway"],
      ["capture", "loose"],
    ])
      expect(await operator.types(...words, "--project", "blue")).toMatchObject({
        code: 4,
        stderr: expect.stringContaining("bound to no host"),
      });
  });
});
