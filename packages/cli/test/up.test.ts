import { type ChildProcess, execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { connect } from "../src/node_io.ts";
import { terminal } from "./terminal.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const exec = promisify(execFile);

/** A machine of its own: network, mounts, and /run; the process that is started last takes the shell's place. */
const MACHINE = `set -e
mount -t tmpfs tmpfs /run
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
ip link add up0 mtu 1550 type veth peer name up1 mtu 1550
ip addr add 192.0.2.1/24 dev up0
ip link set up0 up
ip link set up1 up
exec "$@"`;

let machine: ChildProcess | undefined;

afterEach(() => {
  machine?.kill("SIGKILL");
});

/** Starts `onehop up`; resolves with all it said once it says that it is up. */
function up(...flags: string[]): Promise<{ child: ChildProcess; said: () => string }> {
  const command = [process.execPath, "--import", "tsx", MAIN, "up", "--data-dir", "/run/data", ...flags];
  const child = spawn("unshare", ["--net", "--mount", "sh", "-c", MACHINE, "machine", ...command], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  machine = child;
  let said = "";
  return new Promise((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      said += String(chunk);
      if (said.includes("Up: host")) resolve({ child, said: () => said });
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}: ${said.slice(-2000)}`)));
  });
}

const FILE = `
apiVersion: onehop/v1
kind: Project
metadata: {name: shop}
---
apiVersion: onehop/v1
kind: Vpc
metadata: {name: prod, project: shop}
spec: {cidrs: [10.0.0.0/16]}
${["front", "back"].map((name) => `---\napiVersion: onehop/v1\nkind: Network\nmetadata: {name: ${name}, vpc: prod}\n`).join("")}
${["front", "back"]
  .map(
    (network) =>
      `---\napiVersion: onehop/v1\nkind: Port\nmetadata: {name: ${network}-1, network: ${network}}\n` +
      `spec: {host: h1, device: {kind: veth, namespace: ${network}}}\n`,
  )
  .join("")}`;

it("Q1, Q21: onehop up is a whole system: guests of two networks reach each other, and it ends in order.", async () => {
  const { child, said } = await up("--uplink", "up0", "--host", "h1");
  const url = `unix:/proc/${child.pid}/root/run/onehop/api.sock`;
  const onehop = terminal(connect, { env: { ONEHOP_URL: url }, files: { f: FILE }, now: () => performance.now() });
  expect(await onehop("apply", "-f", "f", "--wait")).toMatchObject({ code: 0, err: "" });
  const [back, front] = JSON.parse((await onehop("port", "list", "-o", "json")).out) as { addresses: string[] }[];
  const inside = [`--net=/proc/${child.pid}/ns/net`, `--mount=/proc/${child.pid}/ns/mnt`, "--", "ip", "netns", "exec"];
  const to = [back, front].map((p) => p!.addresses[0]!);
  for (const [from, address] of [
    ["front", to.find((a) => a.startsWith("10.0.2."))!],
    ["back", to.find((a) => a.startsWith("10.0.1."))!],
  ])
    await exec("nsenter", [...inside, from!, "ping", "-c", "2", "-i", "0.2", "-W", "2", address!]);
  const counters = JSON.parse((await onehop("port", "counters", "front-1", "-o", "json")).out) as Record<
    string,
    number
  >;
  expect(counters.rx_packets).toBeGreaterThanOrEqual(4);
  const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  child.kill("SIGTERM");
  expect(await ended, said().slice(-2000)).toBe(0);
});

it("onehop up without a default route says which flag to give.", async () => {
  await expect(up("--host", "h1")).rejects.toThrow("name the underlay's device with --uplink");
});
