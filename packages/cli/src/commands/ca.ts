import { nounOf } from "@onehop/core";
import { type Command, Option } from "commander";
import { collect } from "../collect.ts";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import { listThings } from "../objects.ts";
import { printData } from "../output/print.ts";
import { tableOf } from "../output/record.ts";
import { type CommonOptions, openSession, withOutput } from "../session.ts";

interface Authority {
  readonly fingerprint: string;
  readonly not_after: string;
  readonly issues: boolean;
}
interface HostCertificate {
  readonly host_id: string;
  readonly not_after: string;
  readonly issuer: string;
  readonly trusts: readonly string[];
}

const DIR = "cluster";
const dirOption = () => new Option("--dir <dir>", "the folder that onehop init made").default(DIR);

/** `onehop init` and `onehop ca`: the authorities of the cluster's certificates. */
export function registerCa(program: Command, io: Io): void {
  init(program, io);
  const ca = program
    .command("ca")
    .description("the authority of the cluster's certificates")
    .helpGroup("Administration:");
  show(ca, io);
  const rotate = ca.command("rotate").description("replace the authority, one step at a time");
  rotate
    .argument("<step>", "begin: all trust the next one, too; switch: it issues; finish: the former is trusted no more")
    .addOption(dirOption())
    .action((step: string, { dir }: { dir: string }) => rotateStep(io, step, dir));
  const renew = ca.command("renew").description("make new certificates for the servers, which last for 398 days");
  renew.addOption(dirOption()).action(async ({ dir }: { dir: string }) => {
    const { pki, cluster } = await clusterIn(dir);
    await pki.writeCluster(dir, cluster, new Date());
    tellFolders(io, dir, cluster.servers);
  });
}

function init(program: Command, io: Io): void {
  program
    .command("init")
    .description("make the keys and certificates of a cluster's servers, in a folder")
    .helpGroup("Running:")
    .addOption(
      new Option("--server <name=address>", "a server, with its addresses behind commas; may be repeated")
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .addOption(new Option("--dir <dir>", "where; it must not hold a cluster yet").default(DIR))
    .action(async ({ server, dir }: { server: string[]; dir: string }) => {
      const pki = await import("@onehop/pki");
      if (await pki.readCluster(dir)) throw usage(`${dir} holds a cluster already.`, "onehop ca renew --dir DIR");
      const servers = server.map(parseServer);
      try {
        pki.checkServers(servers);
      } catch (error) {
        throw usage((error as Error).message);
      }
      const now = new Date();
      await pki.writeCluster(dir, await pki.newCluster(servers, now), now);
      tellFolders(io, dir, servers);
      io.err(`Keep ${dir}/authority off the servers: whoever has it can be anybody.\n`);
    });
}

function parseServer(text: string): { name: string; addresses: string[] } {
  const [name, list] = text.split("=") as [string, string | undefined];
  const addresses = (list ?? "").split(",").filter((a) => a !== "");
  if (addresses.length === 0) throw usage(`--server ${text}: it is NAME=ADDRESS, such as s1=192.0.2.1.`);
  return { name, addresses };
}

async function clusterIn(dir: string) {
  const pki = await import("@onehop/pki");
  const cluster = await pki.readCluster(dir);
  if (!cluster) throw usage(`${dir} holds no cluster.`, "onehop init makes one; --dir names its folder.");
  return { pki, cluster };
}

const STEPS = ["begin", "switch", "finish"] as const;

async function rotateStep(io: Io, text: string, dir: string): Promise<void> {
  const step = STEPS.find((s) => s === text);
  if (!step) throw usage(`${text} is no step: it is ${STEPS.join(", ")}.`);
  const { pki, cluster } = await clusterIn(dir);
  const now = new Date();
  const next = await pki.rotate(cluster, step, now).catch((error: Error) => {
    throw usage(error.message);
  });
  await pki.writeCluster(dir, next, now);
  tellFolders(io, dir, next.servers);
}

function tellFolders(io: Io, dir: string, servers: readonly { readonly name: string }[]): void {
  for (const { name } of servers) io.out(`${dir}/${name}\n`);
  io.err("Each folder goes to its server, as /etc/onehop. Controllers take over what changes there by themselves.\n");
}

/** Whom hosts trust, and which of them are behind: what a rotation's next step waits for. */
function show(ca: Command, io: Io): void {
  const command = ca.command("show").description("the authorities, and how many hosts have certificates of each");
  withOutput(command).action(async (options: CommonOptions) => {
    const { api, printer } = await openSession(io, options);
    const authorities = (await api.request("GET", "/v1/authorities")).body as { items: Authority[] };
    const { items } = (await api.request("GET", "/v1/certificates")).body as { items: HostCertificate[] };
    const hosts = (await listThings(api, nounOf("host"))).filter((h) => h.kind === "onehop").length;
    const rows = authorities.items.map(({ fingerprint, not_after, issues }) => ({
      fingerprint: fingerprint.slice(0, 16),
      not_after,
      issues,
      certificates: items.filter((c) => c.issuer === fingerprint).length,
      trusted_by: items.filter((c) => c.trusts.includes(fingerprint)).length,
      hosts,
    }));
    if (await printData(io, options.output, rows)) return;
    if (rows.length === 0) io.err("This controller has no keys of a cluster.\n");
    else io.out(tableOf(rows, printer.options.headers !== false));
  });
}
