import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { tryRun, until } from "@onehop/lab";
import { buildFabric } from "@onehop/lab/fabric/build";
import { type FabricPlan, planFabric } from "@onehop/lab/fabric/plan";
import { Child } from "@onehop/lab/system/child";
import { claimLab } from "@onehop/lab/system/state";
import { sweep, sweepDead } from "@onehop/lab/system/sweep";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Folders that each server has for itself: what is written there is laid over the machine's own. */
const OWN = ["/etc", "/opt", "/root", "/usr/local", "/var/lib"];

/** A machine of its own in most that matters: network, files that are written, what runs. */
export class Server {
  readonly name: string;
  readonly address: string;
  readonly dir: string;
  readonly #network: string;
  readonly #units = new Map<string, Child>();
  #holder: Child | undefined;
  #env: Record<string, string> = { HOME: "/root", LANG: "C", NO_COLOR: "1", PATH: process.env.PATH ?? "" };
  #cwd = "/root";

  constructor(name: string, place: { readonly address: string; readonly dir: string; readonly network: string }) {
    this.name = name;
    this.address = place.address;
    this.dir = place.dir;
    this.#network = place.network;
  }

  /** Its mounts are those of a process that does nothing else. */
  async boot(): Promise<void> {
    mkdirSync(this.dir, { recursive: true });
    const lines = [
      `mount -t tmpfs tmpfs ${this.dir}`,
      ...OWN.flatMap((path, i) => [
        `mkdir -p ${this.dir}/${i}/over ${this.dir}/${i}/work`,
        `mount -t overlay overlay -o lowerdir=${path},upperdir=${this.dir}/${i}/over,workdir=${this.dir}/${i}/work ${path}`,
      ]),
      `mkdir -p /opt/onehop && mount --bind ${ROOT} /opt/onehop`,
      "mount -t tmpfs tmpfs /run",
      "mount -t bpf bpf /sys/fs/bpf",
      "echo up",
      "exec sleep infinity",
    ];
    const script = lines.join("\n");
    const argv = ["nsenter", `--net=/run/netns/${this.#network}`, "unshare", "--mount", "--propagation", "private"];
    this.#holder = await Child.start({ name: this.name, argv: [...argv, "sh", "-e", "-c", script] });
    let said = "";
    for (const stream of [this.#holder.process.stdout, this.#holder.process.stderr])
      stream?.on("data", (piece) => (said += String(piece)));
    await until(`${this.name} to be up: ${said}`, () => said.includes("up\n") || undefined, 10_000);
  }

  /** Types a line at root's shell; what it exports, and where it goes, stays so. */
  async type(line: string): Promise<{ readonly code: number | undefined; readonly said: string }> {
    const keep = `status=$?; printf '\\0%s' "$PWD"; env -0 | grep -z ^ONEHOP_; exit $status`;
    const argv = this.#inside(["bash", "-o", "pipefail", "-c", `cd ${this.#cwd}; ${line}\n${keep}`]);
    const { code, stdout, stderr } = await tryRun(argv);
    const [said = "", cwd = this.#cwd, ...exported] = stdout.split("\0");
    this.#cwd = cwd.split("ONEHOP_")[0] ?? cwd;
    const first = cwd.slice(this.#cwd.length);
    for (const pair of [first, ...exported].filter((p) => p.includes("=")))
      this.#env[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1);
    return { code, said: said + stderr };
  }

  /** What systemd would do with a unit, as far as it matters here. */
  async startUnit(unit: string): Promise<void> {
    const text = readFileSync(this.#hostPath(`/etc/systemd/system/${unit}.service`), "utf8").replace(/\\\n\s*/g, "");
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1] ?? "";
    const environment = Object.fromEntries(
      readFileSync(this.#hostPath(value("EnvironmentFile")), "utf8")
        .split("\n")
        .filter((l) => l !== "")
        .map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)] as const),
    );
    // systemd.service(5): ${X} is one word, a word that is $X is as many as it has.
    const words = value("ExecStart")
      .split(/\s+/)
      .flatMap((word) => {
        const many = /^\$(\w+)$/.exec(word)?.[1];
        if (many) return (environment[many] ?? "").split(" ");
        return [word.replace(/\$\{(\w+)\}/g, (_, name: string) => environment[name] ?? "")];
      });
    const rights = ["setpriv", "--no-new-privs", `--bounding-set=${boundingSet(value("CapabilityBoundingSet"))}`, "--"];
    const log = join(this.dir, "..", `${this.name}-${unit}.log`);
    this.#units.set(
      unit,
      await Child.start({ name: `${unit} on ${this.name}`, argv: this.#inside([...rights, ...words]), log }),
    );
  }

  async stopUnit(unit: string): Promise<void> {
    await this.#units.get(unit)?.stop();
  }

  log(unit: string): string {
    return readFileSync(join(this.dir, "..", `${this.name}-${unit}.log`), "utf8");
  }

  /** Copies files of this server into a folder of another. */
  async copyTo(other: Server, pattern: string, folder: string): Promise<void> {
    const from = this.#hostPath(join(this.#cwd, pattern.replace(/\*$/, "")));
    for (const file of readdirSync(from))
      await copyFile(join(from, file), join(other.#hostPath(folder), basename(file)));
  }

  async stop(): Promise<void> {
    for (const child of [...this.#units.values()].reverse()) await child.stop();
    await this.#holder?.kill();
  }

  #hostPath(path: string): string {
    return `/proc/${this.#holder?.id.pid}/root${path}`;
  }

  #inside(argv: readonly string[]): string[] {
    const env = Object.entries(this.#env).map(([name, value]) => `${name}=${value}`);
    return ["nsenter", "-t", String(this.#holder?.id.pid), "--mount", "--net", "--", "env", "-i", ...env, ...argv];
  }
}

/** systemd.exec(5) in setpriv(1)'s words: `CAP_BPF CAP_NET_RAW` → `-all,+bpf,+net_raw`. */
const boundingSet = (capabilities: string): string =>
  ["-all", ...capabilities.split(" ").flatMap((c) => (c ? [`+${c.replace("CAP_", "").toLowerCase()}`] : []))].join(",");

/** Three servers on an underlay. */
export class Servers {
  readonly all: readonly Server[];
  readonly #id: string;
  readonly #dir: string;
  readonly #fabric: FabricPlan;

  private constructor(id: string, dir: string) {
    this.#id = id;
    this.#dir = dir;
    const { hosts, ...plan } = planFabric(id, { hosts: 3, uplinks: 1, mtu: 1550 });
    const uplinks = (host: (typeof hosts)[number]) => host.uplinks.map((up) => ({ ...up, device: "eth0" }));
    this.#fabric = { ...plan, hosts: hosts.map((host) => ({ ...host, uplinks: uplinks(host) })) };
    this.all = this.#fabric.hosts.map((host, i) => {
      const name = `s${i + 1}`;
      return new Server(name, { address: host.tunnelAddress, dir: join(dir, name), network: host.namespace });
    });
  }

  static async boot(): Promise<Servers> {
    await sweepDead();
    const { id } = claimLab(Math.random);
    const servers = new Servers(id, mkdtempSync(join(tmpdir(), "onehop-servers-")));
    try {
      await buildFabric(servers.#fabric);
      await Promise.all(servers.all.map((s) => s.boot()));
      return servers;
    } catch (error) {
      await servers.close();
      throw error;
    }
  }

  named(name: string): Server {
    const server = this.all.find((s) => s.name === name);
    if (!server) throw new Error(`There is no server ${name}.`);
    return server;
  }

  at(address: string): Server {
    const server = this.all.find((s) => s.address === address);
    if (!server) throw new Error(`There is no server at ${address}.`);
    return server;
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((s) => s.stop()));
    await sweep(this.#id);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
