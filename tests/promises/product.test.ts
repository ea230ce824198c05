import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ROUTES } from "@onehop/api";
import { createProgram } from "@onehop/cli/program";
import { onehop } from "@onehop/lab/install";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, "utf8");

describe("Q51: one product, for one host and for many", () => {
  it("is the same program by the word after its name: a whole system on one host, or its parts on many", () => {
    const help = execFileSync(onehop()[0]!, onehop("--help").slice(1), { encoding: "utf8" });
    for (const part of ["up", "controller", "agent"]) expect(help).toMatch(new RegExp(`^ {2}${part} `, "m"));
    for (const part of ["controller", "agent"])
      expect(read(`packaging/systemd/onehop-${part}.service`)).toMatch(
        new RegExp(`^ExecStart=/usr/local/bin/onehop ${part} `, "m"),
      );
  });

  it("is of free licence, and no package asks for a kind of machine", () => {
    expect(JSON.parse(read("package.json"))).toMatchObject({ license: "Apache-2.0" });
    for (const name of readdirSync(`${ROOT}/packages`)) {
      const manifest = JSON.parse(read(`packages/${name}/package.json`)) as Record<string, unknown>;
      expect(Object.keys(manifest), name).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(os|cpu)$/)]));
    }
  });

  it("looks nowhere for a licence or for what the machine is", () => {
    const words = "licen[cs]e.?(key|file|server)|product_uuid|/sys/class/dmi|dmidecode|machine-id";
    const args = ["grep", "-liE", words, "--", "packages/*.ts", "packages/*.c", "packages/*.h", "packaging", "bin"];
    let found = "";
    try {
      found = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" });
    } catch (error) {
      expect((error as { status: number }).status, "nothing is found").toBe(1);
    }
    expect(found).toBe("");
  });
});

/** Operations that are no plain verb of a noun, with the command that asks for them. */
const COMMANDS: Readonly<Record<string, string>> = {
  "vpcs.history": "vpc history",
  "vpcs.rollback": "rollback",
  "ports.bulk": "apply",
  "ports.counters": "port counters",
  "hosts.datapath": "host datapath",
  "hosts.invite": "host invite",
  "hosts.revoke": "host revoke",
  "trace.run": "trace",
  "drops.list": "drops",
  "top.list": "top",
  "why.run": "why",
  "capture.run": "capture",
  "learned.list": "learned",
  "bars.list": "learned",
  "bars.lift": "host trust",
  "keys.rotate": "vpc rotate-key",
  "tokens.list": "token list",
  "tokens.create": "token create",
  "tokens.delete": "token delete",
  join: "agent join",
  "authorities.list": "ca show",
  "certificates.list": "ca show",
  "store.show": "store show",
  "store.accept": "store accept",
  version: "version",
};
const VERBS: Readonly<Record<string, string>> = {
  list: "list",
  create: "create",
  get: "show",
  patch: "update",
  delete: "delete",
};
/** For machines: probes, scrapers, and makers of clients. */
const FOR_MACHINES = new Set(["healthz", "readyz", "openapi", "metrics"]);

const pathsOf = (command: Command, before = ""): string[] =>
  command.commands.flatMap((c) => [`${before}${c.name()}`, ...pathsOf(c, `${before}${c.name()} `)]);

it("Q52: whatever the API does has a command", async () => {
  const io = { out: () => undefined, err: () => undefined } as unknown as Parameters<typeof createProgram>[0];
  const commands = new Set(pathsOf(await createProgram(io, "no lab")));
  for (const { id, noun, verb } of ROUTES) {
    if (FOR_MACHINES.has(id)) continue;
    const plain = noun && verb && VERBS[verb] ? `${noun.kind} ${VERBS[verb]}` : undefined;
    const wanted = COMMANDS[id] ?? plain;
    expect(wanted, `a command for ${id}`).toBeDefined();
    expect([...commands], id).toContain(wanted);
  }
});
