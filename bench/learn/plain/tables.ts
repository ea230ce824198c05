import { until } from "@onehop/lab";
import { ping } from "@onehop/lab/traffic/ping";
import type { LearnFigure } from "../figure.ts";
import type { Findings } from "../result.ts";
import { broadcastBytes } from "./broadcast.ts";
import { classesHold } from "./classes.ts";
import { Ghosts } from "./ghosts.ts";
import { talk } from "./pairs.ts";
import { inWorld, type PlainWorld } from "./world.ts";

/** What a host knows of far ports and its own, by name of the pin. */
const TABLES = ["destinations_v1", "learned_v1", "macs_v1", "routes_v1", "vnis_v1"] as const;
type Sizes = Readonly<Record<(typeof TABLES)[number], number>>;

/** Where hosts' entries are compared, ports of the VPC. */
const SMALL = 10;
/** Unused for longer than entries are kept. */
const LONG_AGO = 301n * 1_000_000_000n;

export const tables: LearnFigure = {
  name: "tables",
  measure: ({ quick, progress }) =>
    inWorld(100, progress, async (world) => {
      const ports = quick ? 1000 : 10_000;
      progress(`Tables, in a VPC of ${ports} ports`);
      return measureTables(world, await Ghosts.of(world), ports);
    }),
};

export async function measureTables(world: PlainWorld, ghosts: Ghosts, ports: number): Promise<Findings> {
  world.forget();
  const near = await addNear(world);
  await ghosts.add(SMALL);
  const [small, smallBytes] = [await sizesOf(world), await broadcastBytes(world)];
  await ghosts.add(ports - SMALL);
  const [large, largeBytes] = [await sizesOf(world), await broadcastBytes(world)];
  const fresh = await ping({ namespace: world.guest(3).namespace, to: world.addresses(1)[0]!, count: 5 });
  world.forget();
  await talk(world, { rounds: 1, count: 4 });
  const used = world.addresses(2).length;
  const now = await sizesOf(world);
  const host = sum(now.h1!) - sum(large.h1!);
  const aged = await ageOut(world, sum(large.h1!));
  return {
    entries: { used_pairs: used, host },
    promises: {
      Q4: isOwnOnly(world, "h3") && sum(large.h3!) === sum(small.h3!),
      Q5: host === used && now.h3!.learned_v1 === large.h3!.learned_v1,
      Q8: smallBytes === largeBytes,
      Q16: knows(world, "h1", near) && !knows(world, "h3", near),
      Q19: isOwnOnly(world, "h3") && fresh.received === 5,
      Q33: aged === 0,
      D9: await classesHold(world),
      D11: sum(large.h1!) === sum(small.h1!) && fresh.received === 5,
    },
    details: {
      ports: { small: SMALL, large: ports },
      entries: { small, large, in_use: now },
      broadcastBytes: { smallBytes, largeBytes },
    },
  };
}

/** A port of h1's network on h2: pushed to hosts that have that network. */
async function addNear(world: PlainWorld): Promise<string> {
  const address = "10.0.1.200";
  const { client } = world.lab;
  const [host] = await client.list("hosts", { name: "h2" });
  const device = { kind: "veth", namespace: world.lab.namespaceOf("near") };
  const body = { name: "near", network_id: world.guest(1).network_id, addresses: [address], host_id: host!.id, device };
  const { id } = await client.create("ports", body);
  await until("the near port to be realised", async () => {
    const { status } = await client.wait("ports", id, 5);
    return status.state === "realised" || undefined;
  });
  return address;
}

async function sizesOf(world: PlainWorld): Promise<Readonly<Record<string, Sizes>>> {
  const sizes = world.lab.hosts.map(async ({ name }) => {
    const counts = TABLES.map(async (table) => [table, (await world.dump(name, table)).length] as const);
    return [name, Object.fromEntries(await Promise.all(counts)) as Sizes] as const;
  });
  return Object.fromEntries(await Promise.all(sizes));
}

const sum = (sizes: Sizes): number => Object.values(sizes).reduce((all, n) => all + n, 0);

const knows = (world: PlainWorld, host: string, address: string): boolean =>
  [...world.kernel(host).maps.destinations.keys()].some((key) => key.address === address);

/** Its own port, and its network's gateway. */
function isOwnOnly(world: PlainWorld, host: string): boolean {
  const { addresses, gateway } = world.guest(3);
  const known = [...world.kernel(host).maps.destinations.keys()].map((key) => key.address).sort();
  return JSON.stringify(known) === JSON.stringify([...addresses, gateway].sort());
}

/** Makes what h1 learned look unused for long; what is left once the kernel has swept, over what was there before. */
async function ageOut(world: PlainWorld, base: number): Promise<number> {
  const { learned } = world.kernel("h1").maps;
  for (const [key, entry] of [...learned.entries()]) learned.set(key, { ...entry, used: entry.used - LONG_AGO });
  await until("the kernel to sweep", () => [...learned.keys()].length === 0 || undefined);
  return sum((await sizesOf(world)).h1!) - base;
}
