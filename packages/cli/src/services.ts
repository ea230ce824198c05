import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nounOf } from "@onehop/core";
import { openStore, type Store, type StoreTls, startEtcd } from "@onehop/store";
import { pino } from "pino";
import type { Api } from "./api.ts";
import { usage } from "./exit.ts";
import { DEFAULT_URL, type Io } from "./io.ts";
import { listThings } from "./objects.ts";
import { AGENT_SOCKET, type AgentFlags, type ControllerFlags, PINS, type UpFlags } from "./service_flags.ts";
import { thisMachine, underlayOf } from "./underlay.ts";

/** A part of the system that works until it is stopped. */
export interface Service {
  /** For people: `the agent`. */
  readonly name: string;
  stop(): Promise<void>;
  /** Settles when it has ended, by itself or by `stop`. */
  readonly ended: Promise<void>;
}

/** Keeps what `start` starts until a signal; the last started is stopped first, also when a later one fails to start. */
export async function runServices(io: Io, start: (add: (service: Service) => void) => Promise<void>): Promise<void> {
  const services: Service[] = [];
  try {
    await start((service) => services.push(service));
    const signal = io.untilStopped();
    const stopped = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      else signal.addEventListener("abort", () => resolve(undefined));
    });
    const first = await Promise.race([stopped, ...services.map((s) => s.ended.then(() => s.name))]);
    if (first) throw new Error(`${first} ended by itself; its log says why.`);
  } finally {
    for (const service of services.reverse()) await service.stop();
  }
}

/** JSON lines on standard error; standard output is for data. */
const loggerOf = (name: string, fields: Readonly<Record<string, string>>) =>
  pino({ name, base: fields }, pino.destination(2));

/** Said at once, not by what fails first for want of it. */
function demandRoot(): void {
  if (process.getuid?.() === 0) return;
  throw usage("This loads programs into the kernel and makes devices, which takes root.", "run it with sudo.");
}

/** The compiled programs lie beside the bundle; run from sources, where the build put them. */
async function objectDir(given: string | undefined): Promise<string> {
  if (given) return given;
  for (const beside of ["./bpf", "../bpf"]) {
    const dir = fileURLToPath(new URL(beside, import.meta.url));
    if (existsSync(dir)) return dir;
  }
  return (await import("@onehop/datapath/object")).OBJECT_DIR;
}

export async function runAgent(flags: AgentFlags): Promise<Service> {
  demandRoot();
  const { startAgent } = await import("@onehop/agent");
  const agent = await startAgent({
    host: flags.host,
    controllers: flags.controller ?? [AGENT_SOCKET],
    stateDir: flags.stateDir,
    pins: flags.pins ?? `${PINS}/${flags.host}`,
    uplinks: flags.uplink,
    objectDir: await objectDir(flags.objects),
    learnedAge: flags.learnedAge,
    logger: loggerOf("agent", { host: flags.host }),
  });
  return { name: "the agent", stop: () => agent.stop(), ended: agent.ended };
}

async function serveController(store: Store, flags: Omit<ControllerFlags, "store">): Promise<Service> {
  const { startController } = await import("@onehop/controller");
  const controller = await startController({
    store,
    name: flags.name,
    apiListen: flags.listen ?? [DEFAULT_URL],
    agentListen: flags.agentListen,
    ...(flags.agentAddress ? { agentAddress: flags.agentAddress } : {}),
    pki: flags.pki,
    logger: loggerOf("controller", { controller: flags.name }),
  });
  return { name: "the controller", stop: () => controller.stop(), ended: controller.ended };
}

export const runController = (io: Io, flags: ControllerFlags): Promise<void> =>
  runServices(io, async (add) => {
    const store = storeOf(flags.store, await storeTls(flags));
    add(asService(store));
    add(await serveController(store, flags));
  });

/** What the flags name, or else what onehop init calls so; nothing where the store is not behind TLS. */
async function storeTls({ store, pki, storeCa, storeCert, storeKey }: ControllerFlags): Promise<StoreTls | undefined> {
  if (!store.startsWith("etcd:https:")) return undefined;
  const read = (given: string | undefined, name: string) => {
    const path = given ?? (pki ? join(pki, name) : undefined);
    return path ? readFile(path, "utf8") : undefined;
  };
  const ca = await read(storeCa, "store-ca.crt");
  const [certificate, key] = [await read(storeCert, "store.crt"), await read(storeKey, "store.key")];
  if (!ca) throw usage("A store behind https takes its authority.", "--pki DIR, or --store-ca FILE");
  return { ca, ...(certificate && key ? { certificate, key } : {}) };
}

function storeOf(url: string, tls: StoreTls | undefined): Store {
  try {
    return openStore(url, tls ? { tls } : {});
  } catch (error) {
    throw usage((error as Error).message);
  }
}

const asService = (store: Store): Service => ({
  name: "the store",
  stop: () => store.close(),
  ended: new Promise(() => undefined),
});

/** The whole system on one machine: a private store, a controller, and this host's agent. */
export const runUp = (io: Io, flags: UpFlags): Promise<void> =>
  runServices(io, async (add) => {
    demandRoot();
    const given = { uplinks: flags.uplink, tunnelAddress: flags.tunnelAddress };
    const underlay = underlayOf(given, thisMachine(await readFile("/proc/net/route", "utf8")));
    const etcd = await startEtcd({ dataDir: `${flags.dataDir}/etcd` });
    add({ name: "etcd", stop: () => etcd.stop(), ended: etcd.exited });
    const store = openStore(etcd.url);
    add(asService(store));
    const url = `unix:${flags.runDir}/api.sock`;
    const agentListen = `unix:${flags.runDir}/agent.sock`;
    add(await serveController(store, { name: flags.host, listen: [url, ...(flags.listen ?? [])], agentListen }));
    await registerHost(await io.connect({ url }), flags.host, underlay.tunnelAddress);
    const stateDir = `${flags.dataDir}/agent`;
    add(await runAgent({ ...flags, controller: [agentListen], stateDir, uplink: underlay.uplinks }));
    io.err(`Up: host ${flags.host}, tunnels at ${underlay.tunnelAddress}. Try: onehop host list. Ctrl-C ends it.\n`);
  });

/** The host as it is known already, or a new one; another tunnel address than the known one is the user's to resolve. */
async function registerHost(api: Api, name: string, tunnelAddress: string): Promise<void> {
  const [known] = await listThings(api, nounOf("host"), { name });
  if (!known) await api.request("POST", "/v1/hosts", { name, tunnel_address: tunnelAddress });
  else if (known.tunnel_address !== tunnelAddress)
    throw usage(
      `Host ${name} is registered with tunnel address ${String(known.tunnel_address)}, not ${tunnelAddress}.`,
      `give --tunnel-address ${String(known.tunnel_address)} or another --host.`,
    );
}
