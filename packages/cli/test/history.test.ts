import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../src/node_io.ts";
import { type Region, startRegion } from "./region.ts";
import { terminal } from "./terminal.ts";

let region: Region;
let onehop: ReturnType<typeof terminal>;

beforeEach(async () => {
  region = await startRegion();
  onehop = terminal(connect, { env: { ONEHOP_URL: region.url } });
  await onehop("project", "create", "shop");
  await onehop("vpc", "create", "prod", "--project", "shop", "--cidrs", "10.0.0.0/16");
  await onehop("network", "create", "front", "--vpc", "prod");
  await onehop("port", "create", "web-1", "--network", "front", "--addresses", "10.0.1.5");
});
afterEach(() => region.close());

const newest = async (): Promise<string> => (await onehop("vpc", "history", "prod", "-q")).out.split("\n")[0]!;

/** With ids, addresses and MACs. */
const ports = async (): Promise<string> =>
  (await onehop("get", "ports")).out + (await onehop("get", "ports", "-q")).out;

describe("onehop vpc history", () => {
  it("shows who changed what, newest first.", async () => {
    await onehop("port", "update", "web-1", "--label", "tier=web");
    const { out } = await onehop("vpc", "history", "prod");
    const rows = out.split("\n").map((l) => l.split(/ {2,}/));
    expect(rows[0]).toEqual(["REVISION", "AT", "WHO", "ACTION", "OBJECT", "CHANGED"]);
    expect(rows[1]!.slice(2)).toEqual(["root", "updated", "port/web-1", "labels: - → tier=web"]);
    expect(rows.slice(2, 5).map((r) => r.slice(3, 5).join(" "))).toEqual([
      "created port/web-1",
      "created network/front",
      "created vpc/prod",
    ]);
  });

  it("stops at the limit and says that there is more.", async () => {
    expect(await onehop("vpc", "history", "prod", "--limit", "2", "-o", "name")).toMatchObject({
      code: 0,
      err: "There is more: --limit 4.\n",
    });
    expect(JSON.parse((await onehop("vpc", "history", "prod", "--limit", "2", "-o", "json")).out)).toHaveLength(2);
    expect(await onehop("vpc", "history", "prod", "--limit", "no")).toMatchObject({ code: 2 });
  });
});

describe("D16: onehop rollback", () => {
  it("undoes a bad change with one command, and itself.", async () => {
    const good = await newest();
    const before = await ports();
    await onehop("port", "delete", "web-1");
    await onehop("vpc", "update", "prod", "--cidrs", "10.0.0.0/16,10.9.0.0/16");
    const dry = await onehop("rollback", "prod", "--to", good, "--dry-run");
    expect(dry).toEqual({
      code: 0,
      out: "vpc/prod would be updated: cidrs: 10.0.0.0/16,10.9.0.0/16 → 10.0.0.0/16\nport/web-1 would be created\n",
      err: "Nothing was done.\n",
    });
    const done = await onehop("rollback", "prod", "--to", good, "--wait");
    expect(done).toMatchObject({
      code: 0,
      out: "vpc/prod updated: cidrs: 10.0.0.0/16,10.9.0.0/16 → 10.0.0.0/16\nport/web-1 created\n",
    });
    expect(await ports()).toBe(before);
    const undo = /To undo: onehop (.*)\n/.exec(done.err)![1]!.split(" ");
    expect((await onehop(...undo)).code).toBe(0);
    expect((await onehop("get", "ports", "-q")).out).toBe("");
    expect((await onehop(...undo)).err).toContain("there is nothing to do");
  });

  it("over what others use is a conflict that names it, and changes nothing.", async () => {
    const good = await newest();
    await onehop("vpc", "update", "prod", "--name", "old");
    await onehop("vpc", "create", "prod", "--project", "shop", "--cidrs", "10.0.0.0/16");
    const { code, err } = await onehop("rollback", "old", "--to", good);
    expect(code).toBe(4);
    expect(err).toMatch(
      /^Error: VPC old cannot be rolled back to revision \d+: vpc prod: The name prod is taken by vpc prod\./,
    );
    expect(err).toContain("Nothing was changed.");
    expect((await onehop("vpc", "list", "-o", "name")).out).toBe("vpc/old\nvpc/prod\n");
  });

  it("refuses what is no revision, or one of the future.", async () => {
    expect((await onehop("rollback", "prod", "--to", "yesterday")).code).toBe(2);
    expect((await onehop("rollback", "prod", "--to", "9999")).code).toBe(2);
    expect((await onehop("rollback", "prod")).code).toBe(2);
    expect((await onehop("rollback", "nope", "--to", "3")).code).toBe(3);
  });
});
