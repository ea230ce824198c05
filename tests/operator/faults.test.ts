import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LabOptions, until } from "@onehop/lab";
import { placeInLab } from "@onehop/lab/place";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, Operator } from "./operator.ts";

/** A lab is broken in six ways; each fault is found with the commands of docs/reference/cli.md alone. */
const REGIONS: readonly [string, LabOptions][] = [
  ["no hubs", {}],
  ["two hubs", { hosts: 5, hubs: 2 }],
];
const PCAP_HEAD = 24;
const BRANCH = `
---
apiVersion: onehop/v1
kind: Route
metadata: {name: branch, project: blue, vpc: prod, labels: {app: branch}}
spec: {destination: 172.16.0.0/12, next_hop: 10.0.3.10}
`;

const stagesOf = (host: { readonly stages: readonly { readonly stage: string }[] } | undefined) =>
  host?.stages.map((s) => s.stage);

describe.each(REGIONS)("Where there are %s:", (_, region) => {
  let operator: Operator;
  let scratch: string;
  /** A file of all that should be there. */
  let wanted: string;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "onehop-operator-"));
    wanted = join(scratch, "wanted.yaml");
    operator = await Operator.at(region);
    writeFileSync(wanted, placeInLab(EXAMPLE + BRANCH, operator.lab.id));
  }, 120_000);
  afterAll(async () => {
    await operator?.close();
    rmSync(scratch, { recursive: true });
  });
  /** Of a packet of web-1's: h1 is not told where db-1 is, unless all is pushed. */
  const toDb1 = region.hubs
    ? expect.stringMatching(/^Delivered to port db-1 on host h2\. The first packet goes by hub h[45];/)
    : "Delivered to port db-1 on host h2.";

  describe("In a region that is well", () => {
    test("D16: one command explains a packet across two hosts, stage by stage, with the object behind each decision.", async () => {
      const traced = await operator.trace("web-1", "app-2");
      expect(traced).toMatchObject({ outcome: "delivered", summary: "Delivered to port app-2 on host h3." });
      expect(traced.hosts.map((h) => [h.host.name, h.program, h.decision.action])).toEqual([
        ["h1", "from_endpoint", "host"],
        ["h3", "from_uplink", "guest"],
      ]);
      expect(stagesOf(traced.hosts[0])).toEqual(
        "endpoint parse classify source_guard limit route locate size rewrite deliver".split(" "),
      );
      expect(stagesOf(traced.hosts[1])).toEqual("outer parse classify route locate rewrite deliver".split(" "));
      const named = traced.hosts.flatMap((h) => h.stages.flatMap((s) => s.objects.map((o) => `${o.kind}/${o.name}`)));
      expect(new Set(named)).toEqual(new Set(["port/web-1", "port/app-2", "host/h1", "host/h3", "vpc/prod"]));
      const text = await operator.types("trace", "--project", "blue", "--from", "web-1", "--to", "app-2");
      expect(text.stdout).toContain("10.0.2.11 is port app-2, on host h3");
    });

    test.each([
      [
        "to the other tenant's address nothing leads but to the own port with it",
        "10.0.2.10",
        "delivered",
        "port app-1",
      ],
      ["the gateway answers", "gateway", "answered", "host h1 itself"],
      ["ARP is answered on the host", "gateway/arp", "answered", "host h1 itself"],
      ["TCP goes within a network", "web-3:80/tcp", "delivered", "port web-3 on host h2"],
      ["UDP goes on one host", "web-2:53/udp", "delivered", "port web-2 on the same host"],
    ])("D16: %s.", async (_, to, outcome, words) => {
      const traced = await operator.trace("web-1", to, "--live");
      expect(traced).toMatchObject({ outcome, summary: expect.stringContaining(words), live: { differences: [] } });
      expect(traced.live?.hosts.map((h) => h.host.name)).toEqual(traced.hosts.map((h) => h.host.name));
    });

    test("A trace counts nothing, and is told apart from traffic.", async () => {
      const counters = () => operator.types("port", "counters", "--project", "blue", "web-1", "-o", "json");
      const before = (await counters()).stdout;
      await operator.trace("web-1", "app-2");
      await operator.trace("web-1", "10.99.0.1");
      expect((await counters()).stdout).toBe(before);
    });
  });

  describe("An operator finds", () => {
    test("a missing route: trace names the reason, and what to change; the change is all it takes.", async () => {
      const there = "172.16.5.5";
      expect(await operator.pings("blue-web-1", there)).toBe(false);
      const before = await operator.trace("web-1", there);
      expect(before).toMatchObject({
        outcome: "dropped",
        reason: "no_route",
        hint: expect.stringContaining("onehop route create"),
      });
      const { items } = await operator.drops("--port", "web-1", "--project", "blue");
      expect(items.map((d) => [d.port?.name, d.reason])).toContainEqual(["web-1", "no_route"]);
      // What should be there is in a file: nothing but the route differs.
      const differs = await operator.types("diff", "-f", wanted);
      expect(differs).toMatchObject({ code: 1, stderr: "" });
      expect(differs.stdout.match(/^\+\+\+ .*/gm)).toEqual([expect.stringContaining("route/blue/prod/branch")]);
      expect(differs.stdout).toContain("172.16.0.0/12");
      expect(await operator.types("apply", "-f", wanted, "--wait")).toMatchObject({ code: 0, stderr: "" });
      expect(await operator.types("diff", "-f", wanted)).toMatchObject({ code: 0, stdout: "" });
      const after = await operator.trace("web-1", there);
      expect(after).toMatchObject({ outcome: "delivered", summary: toDb1 });
      const objects = after.hosts[0]!.stages.flatMap((s) => s.objects);
      expect(objects).toContainEqual(expect.objectContaining({ kind: "route", name: "branch" }));
    });

    test("a route that nobody wrote down: trace names it, and pruning by the file takes it away, and nothing else.", async () => {
      const there = "172.16.5.5";
      const stray = ["--destination", "172.16.5.0/24", "--next-hop", "10.0.1.11", "--label", "app=branch"];
      await operator.types("route", "create", "stray", "--project", "blue", "--vpc", "prod", ...stray, "--wait");
      const before = await operator.trace("web-1", there);
      expect(before).toMatchObject({ outcome: "delivered", summary: "Delivered to port web-2 on the same host." });
      const objects = before.hosts[0]!.stages.flatMap((s) => s.objects);
      expect(objects).toContainEqual(expect.objectContaining({ kind: "route", name: "stray" }));
      const prune = ["apply", "-f", wanted, "--prune", "-l", "app=branch"];
      const told = await operator.types(...prune, "--dry-run");
      expect(told.stdout.match(/^.*\(dry run\)$/gm)).toEqual(["route/stray pruned (dry run)"]);
      expect(await operator.types(...prune)).toMatchObject({ code: 0, stderr: "" });
      await until("the route of the file to be the only one", async () => {
        const { summary } = await operator.trace("web-1", there);
        return summary.startsWith("Delivered to port db-1 on host h2.") || undefined;
      });
      expect((await operator.lab.client.list("routes")).map((r) => r.name)).toEqual(["branch"]);
    });

    test("a wrong MAC: the tables are well, so trace says delivered; drops says whose MAC it is.", async () => {
      const { namespace, mac } = operator.guest("blue-web-2");
      const wrong = "0a:bb:00:00:00:01";
      await operator.ip(namespace, "link", "set", "eth0", "address", wrong);
      expect(await operator.pings("blue-web-2", "10.0.1.10")).toBe(false);
      expect(await operator.trace("web-2", "web-1")).toMatchObject({ outcome: "delivered" });
      const { items } = await operator.drops("--port", "web-2", "--project", "blue");
      expect(items).toContainEqual(
        expect.objectContaining({
          reason: "source_mac",
          hint: expect.stringContaining("port's MAC"),
          example: expect.stringContaining(wrong),
        }),
      );
      await operator.ip(namespace, "link", "set", "eth0", "address", mac);
      expect(await operator.pings("blue-web-2", "10.0.1.10")).toBe(true);
    });

    test("a spoofing guest: drops says which port, since when and in whose name; capture shows its packets.", async () => {
      const { namespace } = operator.guest("green-web-1");
      // The guest knows the other's MAC already, so that ARP in the wrong name is not what is dropped.
      expect(await operator.pings("green-web-1", "10.0.1.11")).toBe(true);
      await operator.ip(namespace, "address", "add", "10.0.1.66/32", "dev", "eth0");
      const capture = operator.types(
        ...[
          "capture",
          "web-1",
          "--project",
          "green",
          "--count",
          "1",
          "--filter",
          "src host 10.0.1.66",
          "-w",
          "/dev/null",
        ],
      );
      const spoof = () => operator.pings("green-web-1", "10.0.1.11", "-I", "10.0.1.66");
      const captured = await Promise.race([
        capture,
        until("a spoofed packet in the capture", async () => {
          await spoof();
          return undefined;
        }),
      ]);
      expect(captured).toMatchObject({ code: 0, stderr: "1 packets, as many as were asked for.\n" });
      const { items } = await operator.drops("--project", "green");
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject({
        port: { name: "web-1" },
        host: { name: "h1" },
        project: { name: "green" },
        reason: "source_address",
        example: expect.stringContaining("10.0.1.66 > 10.0.1.11"),
      });
      expect(items[0]!.since <= items[0]!.last).toBe(true);
      await operator.ip(namespace, "address", "del", "10.0.1.66/32", "dev", "eth0");
    });

    test("a too small MTU in the underlay: large packets vanish after the first host, small ones do not.", async () => {
      const fabric = operator.lab.fabric.namespace;
      const [link] = operator.lab.host("h3").uplinks;
      await operator.ip(fabric, "link", "set", link!.routerDevice, "mtu", "1000");
      expect(await operator.pings("blue-web-1", "10.0.2.11")).toBe(true);
      expect(await operator.pings("blue-web-1", "10.0.2.11", "-s", "1300", "-M", "do")).toBe(false);
      const small = await operator.trace("web-1", "app-2", "--size", "500", "--live");
      expect(small.live?.differences).toEqual([]);
      const large = await operator.trace("web-1", "app-2", "--size", "1300", "--live");
      expect(large).toMatchObject({ outcome: "delivered" });
      expect(large.live?.differences).toEqual([
        expect.stringMatching(/^Host h3 has not got it: it was lost in the underlay after host h1\..*MTU/),
      ]);
      await operator.ip(fabric, "link", "set", link!.routerDevice, "mtu", String(operator.lab.fabric.mtu));
    });

    test("a too large packet: trace names the stage and what the guest must do.", async () => {
      const traced = await operator.trace("web-1", "app-2", "--size", "2000");
      expect(traced).toMatchObject({ outcome: "dropped", reason: "too_big", hint: expect.stringContaining("MTU") });
      expect(traced.hosts[0]?.stages.at(-1)).toMatchObject({ stage: "size", result: "ended" });
      expect(traced.hosts[0]?.decision.action).toBe("reply");
    });

    test("a dead agent: what it would say is missing and named; packets go on; what it watched ends with it.", async () => {
      const agent = operator.lab.agents.get("h3")!;
      const file = join(scratch, "app-2.pcap");
      const capture = operator.types(...["capture", "app-2", "--project", "blue", "--seconds", "30", "-w", file]);
      await until("the capture to see a packet", async () => {
        await operator.pings("blue-web-1", "10.0.2.11");
        return (existsSync(file) && statSync(file).size > PCAP_HEAD) || undefined;
      });
      await agent.kill();
      expect(await capture).toMatchObject({ code: 1, stderr: expect.stringContaining("The host went away") });
      expect(await operator.pings("blue-web-1", "10.0.2.11")).toBe(true);
      const traced = await operator.trace("web-1", "app-2", "--live");
      expect(traced).toMatchObject({
        outcome: "unknown",
        summary: expect.stringContaining("The host does not answer"),
      });
      expect(traced.hosts.map((h) => h.decision.action)).toEqual(["host", "unknown"]);
      expect(traced.live?.differences).toEqual(["Host h3 was not watched: its agent does not answer."]);
      expect((await operator.drops()).silent.map((s) => s.host.name)).toEqual(["h3"]);
      const listed = await until("the host to be told degraded", async () => {
        const { stdout } = await operator.types("host", "list");
        return /h3 .*degraded/.test(stdout) || undefined;
      });
      expect(listed).toBe(true);
      await operator.lab.startAgent("h3");
      await operator.lab.realised();
      expect(await operator.trace("web-1", "app-2", "--live")).toMatchObject({
        outcome: "delivered",
        live: { differences: [] },
      });
      const { stdout } = await operator.types("host", "datapath", "h3", "-o", "json");
      const { links } = JSON.parse(stdout) as { links: { current: boolean }[] };
      expect(links.length > 1 && links.every((l) => l.current)).toBe(true);
    });

    test("a dead host: the sender's programs do what they should, and nobody is there to see it.", async () => {
      const { namespace, uplinks } = operator.lab.host("h2");
      await operator.lab.agents.get("h2")!.kill();
      await operator.ip(namespace, "link", "set", uplinks[0]!.device, "down");
      expect(await operator.pings("blue-web-1", "10.0.1.12")).toBe(false);
      const traced = await operator.trace("web-1", "web-3", "--live");
      expect(traced).toMatchObject({ outcome: "unknown" });
      expect(traced.live?.hosts.map((h) => [h.host.name, h.decision.action])).toEqual([["h1", "host"]]);
      expect(traced.live?.differences.join()).toContain("Host h2");
      const { stderr } = await operator.types("drops", "--host", "h2");
      expect(stderr).toContain("Host h2 is not counted.");
      await operator.ip(namespace, "link", "set", uplinks[0]!.device, "up");
      await operator.ip(
        namespace,
        "route",
        "replace",
        "default",
        "via",
        uplinks[0]!.routerAddress,
        "src",
        operator.lab.host("h2").tunnelAddress,
      );
      await operator.lab.startAgent("h2");
      await operator.lab.realised();
      await until("web-3 to answer", async () => (await operator.pings("blue-web-1", "10.0.1.12")) || undefined);
    });
  });
});
