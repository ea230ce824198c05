import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SETUP = join(ROOT, "tools/setup.sh");

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "onehop-setup-"));
  chmodSync(scratch, 0o755);
});
afterAll(() => rmSync(scratch, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly said: string;
}
function end(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const [file, ...args] = argv as [string, ...string[]];
  return new Promise((done) => {
    execFile(file, args, { env: { ...process.env, ...env } }, (error, _, stderr) =>
      done({ code: error ? Number(error.code) : 0, said: stderr.trim() }),
    );
  });
}

/** A command that stands before the real one of its name. */
function pretend(name: string, script: string): Record<string, string> {
  const dir = join(scratch, `${name}-bin`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${dir}:${process.env.PATH}` };
}

/** One sentence that says what is missing, and what to do about it. */
function refusal(ended: Ended, words: RegExp): void {
  expect(ended.code).toBe(1);
  expect(ended.said).toMatch(words);
  expect(ended.said.split("\n").at(-1)).toMatch(/^set-up: .*\.$/);
}

describe("the set-up refuses with one sentence", () => {
  test("whoever is not root", async () => {
    refusal(
      await end(["setpriv", "--reuid", "65534", "--clear-groups", SETUP]),
      /^set-up: .*needs root; run .* as root/,
    );
  });

  test("an old kernel", async () => {
    const env = pretend("uname", '[ "$1" = -r ] && echo 5.10.0-21-amd64 || echo Linux');
    refusal(await end([SETUP], env), /^set-up: Linux 6.6 or newer is needed, this is 5.10.0-21-amd64; install/);
  });

  test("a kernel without BTF", async () => {
    const hidden = 'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$0"';
    refusal(await end(["unshare", "--mount", "sh", "-c", hidden, SETUP]), /^set-up: the kernel has no BTF .* boot a/);
  });

  test("an old Node.js", async () => {
    refusal(await end([SETUP], pretend("node", "echo 18.20.4")), /^set-up: Node.js 20 or newer .* this is 18.20.4; /);
  });

  test("a package that no source has", async () => {
    const query = 'for last; do :; done; [ "$last" = iperf3 ] && exit 1; exec /usr/bin/dpkg-query "$@"';
    const nowhere = join(scratch, "apt.conf");
    mkdirSync(join(scratch, "lists/partial"), { recursive: true });
    writeFileSync(join(scratch, "status"), "");
    writeFileSync(
      nowhere,
      `Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n` +
        `Dir::State::status "${scratch}/status";\nDir::State::lists "${scratch}/lists";\n`,
    );
    const ended = await end([SETUP], { ...pretend("dpkg-query", query), APT_CONFIG: nowhere });
    refusal(ended, /no package source has iperf3; enable Debian 12's main/);
  });
});

describe("the set-up", () => {
  test("finds every package of every platform in the lock file, without which npm ci refuses", () => {
    type Package = { optionalDependencies?: Record<string, string> };
    const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
      packages: Record<string, Package>;
    };
    const wanted = Object.values(lock.packages).flatMap((p) => Object.keys(p.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !(`node_modules/${name}` in lock.packages))).toEqual([]);
  });

  test("does nothing the second time", async () => {
    expect(await end([SETUP])).toMatchObject({ code: 0 });
    expect(await end([SETUP])).toEqual({ code: 0, said: "" });
  });
});
