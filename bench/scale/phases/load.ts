import { type Client, idempotencyKey } from "@onehop/api/client";
import { OnehopError } from "@onehop/core";
import { until } from "@onehop/lab";
import { inParallel } from "../parallel.ts";
import { type PlannedPort, rangeOf } from "../plan.ts";
import type { Progress, Region } from "../region.ts";
import { makeNics, type Nic } from "./nics.ts";

/** The large VPC, and the small ones beside it. */
export interface Loaded {
  readonly project: string;
  readonly vpc: string;
  /** Ids by the network's number. */
  readonly networks: readonly string[];
  readonly others: readonly SmallVpc[];
  /** Ids of the large VPC's ports by name. */
  readonly ports: Map<string, string>;
  /** For ports to come. */
  readonly nics: readonly Nic[];
}
export interface SmallVpc {
  readonly vpc: string;
  readonly network: string;
  /** A host that serves it. */
  readonly host: string;
}

/** Ports of one request: the answer to it has all of them. */
const A_REQUEST = 1265;
const REQUESTS = 2;
const NICS = 4;
const QUOTAS = { vpcs: 1000, networks: 10_000, ports: 1_000_000, routes: 100_000 };

/** Project, VPC and networks, and the first ten ports: five at each real host. */
export async function addFirst(region: Region): Promise<Loaded> {
  const { client, planned } = region;
  const project = await client.create("projects", { name: "scale", quotas: QUOTAS });
  const vpc = await client.create("vpcs", { name: "large", project_id: project.id, cidrs: ["10.0.0.0/8"] });
  const networks: string[] = [];
  for (let n = 0; n < planned.networks; n++) {
    const made = await client.create("networks", { name: `n${n}`, vpc_id: vpc.id, cidr: rangeOf(n) });
    networks.push(made.id);
  }
  const loaded = {
    project: project.id,
    vpc: vpc.id,
    networks,
    others: [],
    ports: new Map<string, string>(),
    nics: await makeNics(region, NICS),
  };
  await bulk(region, loaded, firstPorts(region));
  await realised(client, vpc.id, 60);
  return loaded;
}

/** Those that there are when the data plane is measured with next to nothing in it. */
function firstPorts({ planned }: Region): PlannedPort[] {
  return planned.talking.flatMap((network, i) =>
    planned.ports.filter((p) => p.network === network && p.host === planned.real[i]).slice(0, 5),
  );
}

/** Small VPCs of one network each, spread over the hosts. */
export async function addOthers(region: Region, loaded: Loaded): Promise<Loaded> {
  const { client, shape, hostIds, planned } = region;
  const others: SmallVpc[] = [];
  const simulated = hostIds.filter((_, i) => !planned.real.includes(i));
  await inParallel(
    Array.from({ length: shape.others }, (_, i) => i),
    4,
    async (i) => {
      const { id: vpc } = await client.create("vpcs", {
        name: `small-${i}`,
        project_id: loaded.project,
        cidrs: ["10.0.0.0/16"],
      });
      const { id: network } = await client.create("networks", { name: "only", vpc_id: vpc, cidr: "10.0.0.0/22" });
      const host = simulated[(i * 7) % simulated.length]!;
      await client.create("ports", { name: "first", network_id: network, host_id: host });
      others.push({ vpc, network, host });
    },
  );
  return { ...loaded, others };
}

/** All other ports, by the bulk API; seconds until every host has them and everything is realised. */
export async function load(region: Region, loaded: Loaded, progress: Progress): Promise<LoadTimes> {
  const { client, planned } = region;
  const todo = planned.ports.filter((p) => !loaded.ports.has(p.name));
  progress(`Loading ${todo.length} ports`);
  const start = performance.now();
  const requests: PlannedPort[][] = [];
  for (let i = 0; i < todo.length; i += A_REQUEST) requests.push(todo.slice(i, i + A_REQUEST));
  let done = 0;
  await inParallel(requests, REQUESTS, async (some) => {
    await bulk(region, loaded, some);
    done += some.length;
    progress(`  ${done} of ${todo.length} are stored`);
  });
  const stored = (performance.now() - start) / 1000;
  progress("Waiting until all are realised");
  await realised(client, loaded.vpc, 600);
  return { stored_s: stored, load_s: (performance.now() - start) / 1000, ports: todo.length };
}

export interface LoadTimes {
  readonly stored_s: number;
  readonly load_s: number;
  readonly ports: number;
}

async function bulk(region: Region, { networks, ports }: Loaded, some: readonly PlannedPort[]): Promise<void> {
  const { client } = region;
  const items = some.map((port) => itemOf(region, networks, port));
  const answer = await again(() => client.request("POST", "/v1/ports:bulk", { items }, idempotencyKey(some[0]!.name)));
  const results = (answer.body as { results: readonly BulkResult[] }).results;
  for (const [i, { status, object, problem }] of results.entries()) {
    if (!object) throw new Error(`Port ${some[i]!.name} was answered ${status}: ${JSON.stringify(problem)}`);
    ports.set(some[i]!.name, object.id);
  }
}

const TRIES = 10;

/** With the same key, as the API asks for where it cannot say whether a write was done. */
async function again<T>(request: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n++)
    try {
      return await request();
    } catch (error) {
      if (n === TRIES || !(error instanceof OnehopError) || error.detail.status < 500) throw error;
    }
}

interface BulkResult {
  readonly status: number;
  readonly object?: { readonly id: string };
  readonly problem?: unknown;
}

function itemOf(region: Region, networks: readonly string[], { name, network, host, addresses }: PlannedPort): object {
  const isReal = region.planned.real.includes(host);
  const device = { kind: "veth", namespace: region.lab.namespaceOf(name) };
  const common = { name, network_id: networks[network], addresses, host_id: region.hostIds[host] };
  return { ...common, ...(isReal ? { device } : {}) };
}

/** Waits until the VPC, which is all of its networks, is realised at all hosts. */
export async function realised(client: Client, vpc: string, seconds: number): Promise<void> {
  await until(
    "the VPC to be realised",
    async () => {
      const { status } = await client.wait("vpcs", vpc, 10);
      return status.state === "realised" || undefined;
    },
    seconds * 1000,
  );
}
