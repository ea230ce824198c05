import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  bundleOf,
  type Cluster,
  controllerCredential,
  memberCredential,
  type Server,
  storeClientCredential,
} from "./cluster.ts";
import { type Files, writeFiles } from "./files.ts";

/** Folder of what is signed with; no server needs it. */
const AUTHORITY = "authority";
const STATE = "cluster.json";
const ADDRESS = /^[0-9A-Za-z]([0-9A-Za-z.:-]{0,252}[0-9A-Za-z])?$/;
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws with a sentence where a server cannot be called so. */
export function checkServers(servers: readonly Server[]): void {
  for (const { name, addresses } of servers) {
    if (!NAME.test(name) || name === AUTHORITY)
      throw new Error(
        `${JSON.stringify(name.slice(0, 80))} is no name of a server: it has letters, digits and dashes.`,
      );
    if (servers.filter((s) => s.name === name).length > 1) throw new Error(`${name} is named twice.`);
    for (const address of addresses)
      if (!ADDRESS.test(address)) throw new Error(`${JSON.stringify(address.slice(0, 80))} is no address of a server.`);
  }
}

/** What a server is given: it becomes /etc/onehop there. */
export async function serverFiles(cluster: Cluster, server: Server, now: Date): Promise<Files> {
  const controller = await controllerCredential(cluster.authority, server, now);
  const member = await memberCredential(cluster.store, server, now);
  const client = await storeClientCredential(cluster.store, `onehop-${server.name}`, now);
  return {
    "ca.crt": bundleOf(cluster),
    "ca.key": cluster.authority.key,
    "controller.crt": controller.certificate,
    "controller.key": controller.key,
    "store-ca.crt": cluster.store.certificate,
    "store.crt": client.certificate,
    "store.key": client.key,
    "etcd.crt": member.certificate,
    "etcd.key": member.key,
    "server.env": serverEnvironment(cluster, server),
  };
}

/** What the units of packaging/systemd want to know; the first address of a server is where it serves. */
function serverEnvironment({ servers }: Cluster, { name, addresses: [address] }: Server): string {
  const all = servers.map((s) => ({ name: s.name, at: s.addresses[0] }));
  const lines = {
    NAME: name,
    ADDRESS: address,
    MEMBERS: all.map((s) => `${s.name}=https://${s.at}:2380`).join(","),
    STORE: `etcd:${all.map((s) => `https://${s.at}:2379`).join(",")}`,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}

/** Writes the folder: `authority`, and one for each server, with new certificates. */
export async function writeCluster(dir: string, cluster: Cluster, now: Date): Promise<void> {
  checkServers(cluster.servers);
  for (const server of cluster.servers)
    await writeFiles(join(dir, server.name), await serverFiles(cluster, server, now));
  await writeFiles(join(dir, AUTHORITY), { [STATE]: `${JSON.stringify(cluster, null, 2)}\n` });
}

/** Undefined: there is none. */
export async function readCluster(dir: string): Promise<Cluster | undefined> {
  try {
    return JSON.parse(await readFile(join(dir, AUTHORITY, STATE), "utf8")) as Cluster;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
