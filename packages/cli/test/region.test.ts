import { NOUNS } from "@onehop/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { examplesOf } from "../src/examples.ts";
import { connect } from "../src/node_io.ts";
import { type Region, startRegion } from "./region.ts";
import { type TerminalOptions, terminal } from "./terminal.ts";

let region: Region;
let onehop: ReturnType<typeof terminal>;
const at = (options: TerminalOptions = {}, url = region.url): ReturnType<typeof terminal> =>
  terminal(connect, { ...options, env: { ONEHOP_URL: url, ...options.env } });

beforeEach(async () => {
  region = await startRegion();
  onehop = at();
});
afterEach(() => region.close());

const FILE = `
apiVersion: onehop/v1
kind: Port
metadata: {name: web-1, project: shop, vpc: prod, network: front}
spec: {addresses: [10.0.1.5], host: h1, device: {kind: veth, namespace: web-1}}
---
apiVersion: onehop/v1
kind: Network
metadata: {name: front, project: shop, vpc: prod, labels: {tier: web}}
spec: {cidr: 10.0.1.0/24}
---
apiVersion: onehop/v1
kind: Vpc
metadata: {name: prod, project: shop}
spec: {cidrs: [10.0.0.0/16]}
---
apiVersion: onehop/v1
kind: Route
metadata: {name: out, project: shop, vpc: prod}
spec: {destination: 172.16.0.0/12, next_hop: 10.0.1.5}
---
apiVersion: onehop/v1
kind: Host
metadata: {name: h1}
spec: {tunnel_address: 192.0.2.1}
---
apiVersion: onehop/v1
kind: Project
metadata: {name: shop}
`;
const LINES = ["project/shop", "host/h1", "vpc/prod", "network/front", "port/web-1", "route/out"];
const lines = (action: string): string => LINES.map((l) => `${l} ${action}\n`).join("");

describe("Objects", () => {
  it("are created by the very commands that help shows.", async () => {
    for (const noun of NOUNS) {
      const [, ...argv] = examplesOf(noun).create.split(" ");
      expect(await onehop(...argv)).toEqual({ code: 0, out: `${noun.kind}/${noun.example.name} created\n`, err: "" });
    }
    for (const noun of NOUNS)
      expect((await onehop(noun.kind, "list", "-o", "name")).out).toBe(`${noun.kind}/${noun.example.name}\n`);
  });

  it("are shown field by field, with names for references.", async () => {
    await at({ files: { f: FILE } })("apply", "-f", "f");
    const { out } = await onehop("port", "show", "web-1");
    expect(out).toMatch(/^network +front$/m);
    expect(out).toMatch(/^vpc +prod$/m);
    expect(out).toMatch(/^device +kind=veth,namespace=web-1$/m);
    expect(out).toMatch(/^status +realised$/m);
  });

  it("are updated, filtered by label and deleted; what is in use is refused with its users.", async () => {
    await at({ files: { f: FILE } })("apply", "-f", "f");
    expect((await onehop("vpc", "update", "prod", "--cidrs", "10.0.0.0/16,10.1.0.0/16", "--label", "a=b")).code).toBe(
      0,
    );
    expect((await onehop("vpc", "list", "--label", "a=b", "--no-headers")).out).toContain("10.0.0.0/16,10.1.0.0/16");
    expect((await onehop("vpc", "list", "--label", "a=c", "-q")).out).toBe("");
    expect((await onehop("vpc", "update", "prod", "--label", "a=")).code).toBe(0);
    expect((await onehop("vpc", "list", "--label", "a=b", "-q")).out).toBe("");
    const used = await onehop("network", "delete", "front");
    expect(used.code).toBe(4);
    expect(used.err).toContain("web-1");
    expect(await onehop("route", "delete", "out")).toEqual({ code: 0, out: "route/out deleted\n", err: "" });
    expect((await onehop("route", "delete", "out")).code).toBe(3);
    expect(await onehop("route", "delete", "out", "--if-exists")).toMatchObject({ code: 0, out: "" });
  });

  it("that the API refuses are told by field, with 2.", async () => {
    await onehop("project", "create", "shop");
    const ran = await onehop("vpc", "create", "prod", "--project", "shop", "--cidrs", "10.0.0.1/16");
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("/cidrs/0");
    expect(ran.err).toContain("host bits set; did you mean 10.0.0.0/16?");
  });

  it("are created once however often they are retried with the same id.", async () => {
    const id = "11111111-2222-4333-8444-555555555555";
    for (let i = 0; i < 2; i++)
      expect((await onehop("project", "create", "shop", "--id", id, "-q")).out).toBe(`${id}\n`);
    expect((await onehop("project", "list", "-q")).out).toBe(`${id}\n`);
  });

  it("take quotas as key=value.", async () => {
    await onehop("project", "create", "shop", "--quotas", "ports=100");
    expect((await onehop("project", "show", "shop")).out).toMatch(/^quotas .*ports=100/m);
    await onehop("project", "update", "shop", "--quotas", "vpcs=2");
    expect((await onehop("project", "show", "shop")).out).toMatch(/^quotas .*ports=100,vpcs=2/m);
  });

  it("that were changed meanwhile are not overwritten.", async () => {
    await onehop("project", "create", "shop");
    expect((await onehop("project", "update", "shop", "--label", "a=b", "--revision", "1")).code).toBe(4);
  });
});

describe("Binding", () => {
  beforeEach(() => at({ files: { f: FILE } })("apply", "-f", "f"));

  it("replaces one kind of device by another, and is undone.", async () => {
    expect((await onehop("port", "bind", "front/web-1", "--host", "h1", "--device", "tap0", "--wait")).code).toBe(0);
    expect((await onehop("port", "show", "web-1")).out).toMatch(/^device +kind=adopt,name=tap0$/m);
    expect((await onehop("port", "unbind", "web-1")).code).toBe(0);
    expect((await onehop("port", "show", "web-1")).out).not.toMatch(/^(device|host) /m);
  });

  it("to a host that is not there is not found.", async () => {
    const ran = await onehop("port", "bind", "web-1", "--host", "h9", "--device", "tap0");
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('There is no host "h9".');
  });

  it("shows counters and what a host's data path holds.", async () => {
    region.answer = { tx_packets: 3, drops: { source_mac: 1 }, links: [{ device: "a", ifindex: 2 }] };
    const counters = "tx_packets        3\ndrops.source_mac  1\n\nlinks\nDEVICE  IFINDEX\na       2\n";
    expect((await onehop("port", "counters", "web-1")).out).toBe(counters);
    expect((await onehop("host", "datapath", "h1")).out).toBe(counters);
    expect(JSON.parse((await onehop("host", "datapath", "h1", "-o", "json")).out)).toEqual(region.answer);
  });
});

describe("Files", () => {
  it("are applied parents first, and a second time change nothing.", async () => {
    const apply = at({ files: { f: FILE } });
    expect(await apply("apply", "-f", "f", "--wait")).toEqual({ code: 0, out: lines("created"), err: "" });
    expect((await apply("apply", "-f", "f")).out).toBe(lines("unchanged"));
  });

  it("change what differs and leave what they do not name.", async () => {
    await at({ files: { f: FILE } })("apply", "-f", "f");
    await onehop("network", "update", "front", "--label", "owner=me");
    const other = FILE.replace("labels: {tier: web}", "labels: {tier: db}").replace(
      "10.0.0.0/16]",
      "10.0.0.0/16, 10.9.0.0/16]",
    );
    const { out } = await at({ files: { f: other } })("apply", "-f", "f");
    expect(out).toContain("vpc/prod configured\nnetwork/front configured\nport/web-1 unchanged\n");
    expect((await onehop("network", "show", "front")).out).toMatch(/^labels +(tier=db,owner=me|owner=me,tier=db)$/m);
  });

  it("are deleted children first, and a second time nothing is there.", async () => {
    const run = at({ files: { f: FILE } });
    await run("apply", "-f", "f");
    expect((await run("delete", "-f", "f")).out).toBe(
      [...LINES]
        .reverse()
        .map((l) => `${l} deleted\n`)
        .join(""),
    );
    const again = await run("delete", "-f", "f");
    expect(again.code).toBe(0);
    expect(again.out).toContain("project/shop was not there\n");
  });

  it("with a mistake change nothing, and tell the line.", async () => {
    const ran = await at({ files: { f: FILE.replace("10.0.1.0/24", "10.0.1.1/24") } })("apply", "-f", "f");
    expect(ran.code).toBe(2);
    expect(ran.err).toContain("line 10: spec.cidr has host bits set; did you mean 10.0.1.0/24?");
    expect((await onehop("project", "list", "-q")).out).toBe("");
  });

  it("that the API refuses in part are applied as far as they go, and the line is told.", async () => {
    const ran = await at({ files: { f: FILE.replace("[10.0.1.5]", "[10.0.7.5]") } })("apply", "-f", "f");
    expect(ran.code).not.toBe(0);
    expect(ran.err).toContain("line 5: port/web-1.addresses.0:");
    expect(ran.out).toContain("network/front created\n");
  });

  it("may not change what is for life.", async () => {
    await at({ files: { f: FILE } })("apply", "-f", "f");
    const ran = await at({ files: { f: FILE.replace("cidr: 10.0.1.0/24", "cidr: 10.0.2.0/24") } })("apply", "-f", "f");
    expect(ran.code).toBe(4);
    expect(ran.err).toContain('line 10: network/front.cidr: is "10.0.1.0/24" and cannot be changed');
  });

  it("need an owner, from the file or from ONEHOP_PROJECT.", async () => {
    await onehop("project", "create", "shop");
    const f = "apiVersion: onehop/v1\nkind: Vpc\nmetadata: {name: prod}\nspec: {cidrs: [10.0.0.0/16]}\n";
    const without = await at({ files: { f } })("apply", "-f", "f");
    expect(without.err).toContain("line 3: vpc/prod: metadata.project is missing");
    const env = { ONEHOP_PROJECT: "shop" };
    expect((await at({ files: { f }, env })("apply", "-f", "f")).out).toBe("vpc/prod created\n");
  });

  it("are shown again by get.", async () => {
    await at({ files: { f: FILE } })("apply", "-f", "f");
    expect((await onehop("get", "ports", "-o", "name")).out).toBe("port/web-1\n");
    expect((await onehop("get", "vpc", "prod", "-o", "name")).out).toBe("vpc/prod\n");
    expect((await onehop("get", "vpcz")).err).toContain("Did you mean vpc?");
  });
});

it("Waiting for what stays pending ends with 7.", async () => {
  await onehop("project", "create", "shop");
  region.state = "pending";
  const ran = await onehop("wait", "project/shop", "--timeout", "0s");
  expect(ran.code).toBe(7);
  expect(ran.err).toContain("project/shop is pending");
});

describe("Tokens", () => {
  it("open the API over TCP until they are deleted, and show only their own project.", async () => {
    await onehop("project", "create", "shop");
    await onehop("project", "create", "other");
    const token = (await onehop("token", "create", "ci", "--role", "member", "--project", "shop", "-q")).out.trim();
    const remote = at({ env: { ONEHOP_TOKEN: token } }, region.tcpUrl);
    expect((await remote("vpc", "create", "prod", "--project", "shop", "--cidrs", "10.0.0.0/16")).code).toBe(0);
    expect((await remote("host", "create", "h1", "--tunnel-address", "192.0.2.1")).code).toBe(5);
    const [row] = JSON.parse((await onehop("token", "list", "-o", "json")).out) as { id: string }[];
    expect((await onehop("token", "list")).out).toMatch(/^ID +NAME +ROLE/);
    expect((await onehop("token", "delete", row!.id)).code).toBe(0);
    expect((await remote("vpc", "list")).code).toBe(5);
  });

  it("that are wrong or missing end with 5.", async () => {
    expect((await at({}, region.tcpUrl)("vpc", "list")).code).toBe(5);
    expect((await at({ env: { ONEHOP_TOKEN: "nonsense" } }, region.tcpUrl)("vpc", "list")).code).toBe(5);
    expect((await onehop("token", "create", "x", "--role", "reader")).err).toContain("A reader needs --project.");
  });
});

it("The version of the command and of the API are told.", async () => {
  expect((await onehop("version")).out).toBe("onehop  0.1.0\nAPI     0.1.0\n");
  expect((await onehop("--version")).out).toBe("0.1.0\n");
});
