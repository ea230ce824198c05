import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SCRIPTS } from "../src/completion/scripts.ts";
import { connect } from "../src/node_io.ts";
import { type Region, startRegion } from "./region.ts";
import { terminal } from "./terminal.ts";

let region: Region;
let onehop: ReturnType<typeof terminal>;
const patient = { pause: () => new Promise<void>(() => {}) };

beforeEach(async () => {
  region = await startRegion();
  onehop = terminal(connect, { ...patient, env: { ONEHOP_URL: region.url } });
  await onehop("project", "create", "shop");
  await onehop("vpc", "create", "prod", "--project", "shop", "--cidrs", "10.0.0.0/16");
  await onehop("vpc", "create", "private", "--project", "shop", "--cidrs", "10.0.0.0/16");
  await onehop("host", "create", "h1", "--tunnel-address", "192.0.2.1");
});
afterEach(() => region.close());

const complete = async (...words: string[]): Promise<string[]> => {
  const { code, out } = await onehop("__complete", "--", ...words);
  expect(code).toBe(0);
  return out.split("\n").flatMap((l) => l.split("\t")[0] || []);
};

describe("Completion", () => {
  it.each([
    ["commands", ["vp"], ["vpc"]],
    ["verbs of a noun", ["vpc", "s"], ["show"]],
    ["the lab's commands", ["lab", "e"], ["exec"]],
    ["names of a verb's noun", ["vpc", "show", "pr"], ["private", "prod"]],
    ["further names, where a command takes many", ["vpc", "delete", "prod", "pri"], ["private"]],
    ["no second name, where it takes one", ["vpc", "show", "prod", ""], []],
    ["nothing for a new name", ["vpc", "create", ""], []],
    ["names of the noun that an argument is", ["rollback", "pro"], ["prod"]],
    ["names for an option that is a noun", ["network", "create", "n", "--vpc", "pro"], ["prod"]],
    ["names for an option behind others", ["port", "bind", "web-1", "--namespace", "x", "--host", ""], ["h1"]],
    ["kinds", ["get", "vp"], ["vpc", "vpcs"]],
    ["names of a kind", ["get", "vpcs", "pri"], ["private"]],
    ["kinds and names", ["wait", "host/"], ["host/h1"]],
    ["options", ["vpc", "list", "--wa"], ["--watch"]],
    ["choices of an option", ["vpc", "list", "-o", "j"], ["json"]],
    ["choices of an argument", ["completion", "z"], ["zsh"]],
    ["nothing for what it does not know", ["nope", "nope", ""], []],
  ])("offers %s.", async (_, words, wanted) => {
    expect(await complete(...words)).toEqual(wanted);
  });

  it("offers the names of ONEHOP_PROJECT only, where that is set.", async () => {
    await onehop("project", "create", "bank");
    await onehop("vpc", "create", "vault", "--project", "bank", "--cidrs", "10.0.0.0/16");
    onehop = terminal(connect, { ...patient, env: { ONEHOP_URL: region.url, ONEHOP_PROJECT: "bank" } });
    expect(await complete("vpc", "show", "")).toEqual(["vault"]);
  });

  it("says nothing where the API is away, or does not answer within a second.", async () => {
    onehop = terminal(connect, { ...patient, env: { ONEHOP_URL: "unix:/nowhere/api.sock" } });
    expect(await complete("vpc", "show", "")).toEqual([]);
    const waited: number[] = [];
    const silent = {
      request: () => new Promise<never>(() => {}),
      lines: () => [] as never,
      file: () => new Promise<never>(() => {}),
    };
    onehop = terminal(silent, { pause: async (ms) => void waited.push(ms) });
    expect(await complete("vpc", "show", "")).toEqual([]);
    expect(waited).toEqual([1000]);
  });

  it("has a script for each shell.", async () => {
    for (const shell of ["bash", "zsh", "fish"] as const)
      expect((await onehop("completion", shell)).out).toBe(SCRIPTS[shell]);
    expect((await onehop("completion", "tcsh")).code).toBe(2);
  });

  it("works in bash.", async () => {
    const dir = mkdtempSync(join(tmpdir(), "onehop-complete-"));
    writeFileSync(
      join(dir, "onehop"),
      `#!/bin/bash\nprintf '%s\\n' "\${@:3}" >"${dir}/asked"\nprintf 'prod\\tvpc\\nprivate\\tvpc\\nother\\tvpc\\n'\n`,
    );
    chmodSync(join(dir, "onehop"), 0o755);
    const script = `${SCRIPTS.bash}\nCOMP_WORDS=(onehop vpc show pr); COMP_CWORD=3; _onehop; printf '%s\\n' "\${COMPREPLY[@]}"; cat ${dir}/asked`;
    const { stdout } = await promisify(execFile)("bash", ["-c", script], {
      env: { ...process.env, PATH: `${dir}:${process.env.PATH}` },
    });
    expect(stdout).toBe("prod\nprivate\nvpc\nshow\npr\n");
    rmSync(dir, { recursive: true });
  });
});
