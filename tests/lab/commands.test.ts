import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Guest, type Ran, run, tryRun } from "@onehop/lab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ONEHOP = join(ROOT, "bin/onehop");
const FILE = join(tmpdir(), `onehop-commands-${process.pid}.yaml`);

const onehop = (...words: string[]): Promise<Ran> => tryRun([ONEHOP, ...words]);

let id = "";
beforeAll(async () => {
  await run([join(ROOT, "tools/setup.sh")]);
  const documents = readFileSync(join(ROOT, "examples/two-tenants.yaml"), "utf8").split("---\n");
  writeFileSync(FILE, documents.filter((d) => !d.includes("green")).join("---\n"));
  const { stderr } = await onehop("lab", "up", "--detach", "--file", FILE);
  id = /Lab (\w+) is up/.exec(stderr)?.[1] ?? "";
  expect(id, stderr).not.toBe("");
});
afterAll(async () => {
  rmSync(FILE);
  await onehop("lab", "down", id);
});

describe("onehop lab", () => {
  test("ls -o json names namespace, addresses, port, host, VPC and network of every guest", async () => {
    const { stdout } = await onehop("lab", "ls", "--lab", id, "-o", "json");
    const guests = JSON.parse(stdout) as Guest[];
    expect(guests.map((g) => g.name)).toEqual([
      "blue-app-1",
      "blue-app-2",
      "blue-db-1",
      "blue-web-1",
      "blue-web-2",
      "blue-web-3",
    ]);
    expect(guests[0]).toMatchObject({
      lab: id,
      namespace: `oh${id}-blue-app-1`,
      addresses: ["10.0.2.10"],
      port: "app-1",
      host: "h1",
      vpc: "prod",
      network: "back",
      state: "realised",
    });
    expect(guests[0]!.port_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("exec runs in a guest by any of its names, or on a host, and hands on output and exit code", async () => {
    const ping = await onehop("lab", "exec", "--lab", id, "web-1", "--", "ping", "-c1", "10.0.2.11");
    expect(ping).toMatchObject({ code: 0, stdout: expect.stringContaining("ttl=63") });
    expect((await onehop("lab", "exec", "--lab", id, "blue-web-1", "false")).code).toBe(1);
    expect((await onehop("lab", "exec", "--lab", id, "h2", "--", "ip", "address")).stdout).toContain("192.0.2.2/32");
  });

  test("exec gives its command this lab's API, and the command onehop", async () => {
    const { stdout } = await onehop("lab", "exec", "--lab", id, "web-1", "--", "onehop", "vpc", "list", "-o", "name");
    expect(stdout).toBe("vpc/prod\n");
  });

  test("the command as it is built prints objects in every format", async () => {
    const list = async (format: string): Promise<string> => {
      const words = ["port", "list", "--project", "blue", "-o", format];
      return (await onehop("lab", "exec", "--lab", id, "h1", "--", "onehop", ...words)).stdout;
    };
    expect(await list("yaml")).toContain("name: web-1");
    expect(JSON.parse(await list("json"))).toHaveLength(6);
    expect(await list("name")).toContain("port/web-1");
    expect(await list("wide")).toContain("BINDING_REVISION");
  });

  test("what is not there is said with a hint", async () => {
    const { code, stderr } = await onehop("lab", "exec", "--lab", id, "nowhere", "true");
    expect(code).toBe(1);
    expect(stderr).toContain("There is no guest or host nowhere; onehop lab ls shows the names.");
    expect((await onehop("lab", "down", "zzz")).stderr).toContain("No lab zzz is running");
  });
});
