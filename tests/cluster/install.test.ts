import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Server, Servers } from "./servers.ts";

const PAGE = new URL("../../docs/install.md", import.meta.url);

let servers: Servers;
beforeAll(async () => {
  servers = await Servers.boot();
});
afterAll(() => servers?.close(), 60_000);

interface Step {
  readonly on: readonly string[];
  readonly line: string;
}

/** The lines of the page's `sh` blocks, with the servers that are named before each block. */
function stepsOf(page: string): Step[] {
  let on: readonly string[] = [];
  return [...page.matchAll(/^<!-- on: ([\w ]+) -->$|^```sh\n(.*?)^```$/gms)].flatMap(([, names, body]) => {
    if (names) on = names.split(" ");
    return (body ?? "")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ on, line }));
  });
}

let token = "";
/** What the page's `onehop why` said. */
const ways: string[] = [];

/** Everything is typed as it stands, but for systemd and ssh, which a network namespace has not. */
async function type(server: Server, line: string): Promise<void> {
  const [, verb, unit] = /^systemctl (enable --now|start|stop) ([\w-]+)$/.exec(line) ?? [];
  if (unit) return verb === "stop" ? server.stopUnit(unit) : server.startUnit(unit);
  const [, files, address, folder] = /^scp (\S+) root@(\S+):(\S+)$/.exec(line) ?? [];
  if (files) return server.copyTo(servers.at(address!), files, folder!);
  const { code, said } = await server.type(line.replace("TOKEN ", `${token} `));
  if (line.startsWith("onehop why ")) ways.push(said.trim());
  if (code !== 0) throw new Error(`${server.name} answers ${code} to ${line}:\n${said}`);
  token = /^ohjoin_\S+$/m.exec(said)?.[0] ?? token;
}

it("Whoever types docs/install.md on three servers has a cluster that learns, and still has it when one of them fails.", async () => {
  const steps = stepsOf(readFileSync(PAGE, "utf8"));
  expect(steps.length).toBeGreaterThan(40);
  for (const { on, line } of steps) await Promise.all(on.map((name) => type(servers.named(name), line)));

  expect(ways).toEqual([expect.stringMatching(/^hub\./), expect.stringMatching(/^direct to s2 for /)]);

  const [s1, , s3] = servers.all as [Server, Server, Server];
  expect((await s1.type("onehop host list --no-headers")).said).not.toContain("s3");
  // Its stream was ended, and it is told why.
  await expect.poll(() => s3.log("onehop-agent"), { timeout: 15_000 }).toContain("The certificate was revoked");
  expect(s1.log("onehop-controller")).toContain("A host was refused.");
  expect((await s1.type("ip netns exec web ping -c 1 -W 2 10.0.2.9")).code).toBe(0);
}, 180_000);
