import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../src/node_io.ts";
import { type Region, startRegion } from "./region.ts";
import { type TerminalOptions, terminal } from "./terminal.ts";

let region: Region;
const at = (files: Readonly<Record<string, string>>, more: TerminalOptions = {}): ReturnType<typeof terminal> =>
  terminal(connect, { ...more, files, env: { ONEHOP_URL: region.url, ...more.env } });

beforeEach(async () => {
  region = await startRegion();
});
afterEach(() => region.close());

const document = (kind: string, metadata: string, spec = "{}"): string =>
  `---\napiVersion: onehop/v1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: ${spec}\n`;
const BASE = [
  document("Project", "name: shop"),
  document("Vpc", "name: prod, project: shop, labels: {app: x}", "{cidrs: [10.0.0.0/16]}"),
  document("Network", "name: front, project: shop, vpc: prod, labels: {app: x}", "{cidr: 10.0.1.0/24}"),
].join("");
const port = (name: string, spec = "{}"): string =>
  document("Port", `name: ${name}, project: shop, vpc: prod, network: front, labels: {app: x}`, spec);

describe("onehop diff", () => {
  it("exits with 0 and says nothing where applying would change nothing.", async () => {
    const onehop = at({ f: BASE + port("web-1") });
    await onehop("apply", "-f", "f");
    expect(await onehop("diff", "-f", "f")).toEqual({ code: 0, out: "", err: "" });
  });

  it("exits with 1 and shows a patch of what differs, names for references.", async () => {
    const onehop = at({
      f: BASE + port("web-1"),
      g:
        BASE.replace("[10.0.0.0/16]", "[10.0.0.0/16, 10.9.0.0/16]").replace("{app: x}", "{app: x, tier: web}") +
        port("web-2"),
    });
    await onehop("apply", "-f", "f");
    expect(await onehop("diff", "-f", "g")).toEqual({
      code: 1,
      out: `--- vpc/shop/prod (is)
+++ vpc/shop/prod (file)
@@ -1,4 +1,6 @@
 labels:
   app: x
+  tier: web
 cidrs:
   - 10.0.0.0/16
+  - 10.9.0.0/16
--- port/shop/prod/front/web-2 (is)
+++ port/shop/prod/front/web-2 (file)
@@ -0,0 +1,2 @@
+labels:
+  app: x
`,
      err: "",
    });
    expect((await onehop("apply", "-f", "g")).code).toBe(0);
    expect((await onehop("diff", "-f", "g")).code).toBe(0);
  });

  it("shows a file whose owners are not there yet, and what is for life.", async () => {
    const onehop = at({
      f: BASE + port("web-1", "{addresses: [10.0.1.5]}"),
      g: port("web-1", "{addresses: [10.0.1.6]}"),
    });
    const { code, out } = await onehop("diff", "-f", "f");
    expect(code).toBe(1);
    expect(out.match(/^\+\+\+ .*/gm)).toEqual(
      ["project/shop", "vpc/shop/prod", "network/shop/prod/front", "port/shop/prod/front/web-1"].map(
        (t) => `+++ ${t} (file)`,
      ),
    );
    await onehop("apply", "-f", "f");
    const fixed = await onehop("diff", "-f", "g");
    expect(fixed.code).toBe(1);
    expect(fixed.err).toBe(
      'port/shop/prod/front/web-1: addresses is ["10.0.1.5"] and cannot be changed; applying would be refused.\n',
    );
  });

  it("shows a port's host by name, and colours for people only.", async () => {
    const host = document("Host", "name: h1", "{tunnel_address: 192.0.2.1}");
    const onehop = at(
      { f: BASE + host + port("web-1", "{host: h1}"), g: port("web-1", "{host: null}") },
      { isTTY: true },
    );
    await onehop("apply", "-f", "f");
    const { out } = await onehop("diff", "-f", "g");
    expect(out).toContain("\u001b[31m-host_id: h1\u001b[39m\n\u001b[32m+host_id: null\u001b[39m");
  });

  it("exits with more than 1 where it cannot tell.", async () => {
    const onehop = at({ f: BASE, bad: "kind: Nope" });
    expect((await onehop("diff", "-f", "bad")).code).toBe(2);
    const dead = at({ f: BASE }, { env: { ONEHOP_URL: "unix:/nowhere/api.sock" } });
    expect((await dead("diff", "-f", "f")).code).toBe(6);
  });
});

describe("onehop apply --prune", () => {
  it("deletes what has the label and is no longer in the file, children first, and nothing else.", async () => {
    const onehop = at({ f: BASE + port("web-1") + port("web-2"), g: BASE + port("web-2") });
    await onehop("apply", "-f", "f");
    await onehop("port", "create", "other", "--network", "front");
    await onehop("network", "create", "back", "--vpc", "prod", "--label", "app=x");
    await onehop("port", "create", "back-1", "--network", "back", "--label", "app=x");
    const words = ["apply", "-f", "g", "--prune", "-l", "app=x"];
    const dry = await onehop(...words, "--dry-run");
    expect(dry.out).toContain("port/web-1 pruned (dry run)\n");
    const done = await onehop(...words);
    expect(done.code).toBe(0);
    expect(done.out).toBe(dry.out.replaceAll(" (dry run)", ""));
    expect(done.out.split("\n").slice(-4, -1).sort()).toEqual([
      "network/back pruned",
      "port/back-1 pruned",
      "port/web-1 pruned",
    ]);
    expect(done.out).toMatch(/network\/back pruned\n$/);
    expect((await onehop("port", "list", "-o", "name")).out).toBe("port/other\nport/web-2\n");
  });

  it("keeps to the projects that the file names.", async () => {
    const onehop = at({ f: BASE, g: BASE.replaceAll("shop", "bank") });
    await onehop("apply", "-f", "f");
    await onehop("apply", "-f", "g");
    expect((await onehop("apply", "-f", "f", "--prune", "-l", "app=x")).out).not.toContain("pruned");
    expect((await onehop("network", "list", "-q")).out.trim().split("\n")).toHaveLength(2);
  });

  it("refuses without a selector, and without a project.", async () => {
    const onehop = at({ f: BASE, g: document("Host", "name: h1", "{tunnel_address: 192.0.2.1}") });
    expect(await onehop("apply", "-f", "f", "--prune")).toMatchObject({ code: 2, out: "" });
    expect(await onehop("apply", "-f", "f", "--prune", "-l", "app")).toMatchObject({ code: 2, out: "" });
    expect(await onehop("apply", "-f", "g", "--prune", "-l", "app=x")).toMatchObject({ code: 2 });
  });

  it("prunes nothing where a document was refused.", async () => {
    const onehop = at({ f: BASE + port("web-1"), g: BASE + port("web-2", "{addresses: [10.7.7.7]}") });
    await onehop("apply", "-f", "f");
    expect((await onehop("apply", "-f", "g", "--prune", "-l", "app=x")).code).toBe(2);
    expect((await onehop("port", "list", "-o", "name")).out).toBe("port/web-1\n");
  });
});

describe("onehop apply", () => {
  it("tells in a dry run what it would do, owners that are not there yet included, and does nothing.", async () => {
    const onehop = at({ f: BASE + port("web-1"), g: document("Port", "name: p, network: nope") });
    expect(await onehop("apply", "-f", "f", "--dry-run")).toEqual({
      code: 0,
      out: ["project/shop", "vpc/prod", "network/front", "port/web-1"].map((o) => `${o} created (dry run)\n`).join(""),
      err: "",
    });
    expect((await onehop("project", "list", "-q")).out).toBe("");
    expect((await onehop("apply", "-f", "g", "--dry-run")).code).toBe(3);
  });

  it("creates many ports together, in the file's order; wrong ones are told by their lines.", async () => {
    const ports = Array.from({ length: 60 }, (_, i) => port(`p-${i}`, i === 30 ? "{addresses: [10.7.7.7]}" : "{}"));
    const onehop = at({ f: BASE + ports.join("") });
    const { code, out, err } = await onehop("apply", "-f", "f", "-v");
    expect(code).toBe(2);
    expect(out.match(/^port\/p-\d+ created$/gm)).toHaveLength(59);
    expect(err).toMatch(/line \d+: port\/p-30\.addresses\.0: is not in 10\.0\.1\.0\/24/);
    expect(err.match(/^POST \/v1\/ports/gm)!.length).toBeLessThan(5);
    const { out: list } = await onehop("port", "list", "--no-headers");
    const addresses = list
      .trim()
      .split("\n")
      .map((l) => l.split(/ +/)[2]!.split(".")[3]);
    expect(addresses).toEqual(Array.from({ length: 59 }, (_, i) => String(i + 2)));
    const again = await at({ f: BASE + ports.filter((_, i) => i !== 30).join("") })("apply", "-f", "f");
    expect(again.out.match(/ unchanged$/gm)).toHaveLength(62);
  });
});
