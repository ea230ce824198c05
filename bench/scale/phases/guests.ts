import { ipBatch, run } from "@onehop/lab";
import { namespacePath } from "@onehop/lab/names";
import { inNamespace } from "@onehop/lab/system/run";
import { ping } from "@onehop/lab/traffic/ping";
import { HostKernel } from "@onehop/testkit/netns/kernel";
import { CPU } from "../../figures/processors.ts";
import { quantiles } from "../../learn/quantiles.ts";
import type { Quantiles } from "../../learn/result.ts";
import type { BenchPath } from "../../paths/path.ts";
import { serve, toolPath } from "../../tools.ts";
import { ADDRESSES_A_TALKER, type PlannedPort, TALKERS } from "../plan.ts";
import type { Region } from "../region.ts";

const PORT = "5320";

/** The ports with many addresses of the one real host, or the other. */
export const talkers = ({ planned }: Region, side: 0 | 1): readonly PlannedPort[] =>
  planned.ports.filter((p) => p.network === planned.talking[side]).slice(0, TALKERS);

const namespaceOf = (region: Region, { name }: PlannedPort): string => region.lab.namespaceOf(name);

/** Guests get their first address by themselves. */
export async function addAddresses(region: Region): Promise<void> {
  for (const port of [...talkers(region, 0), ...talkers(region, 1)]) {
    const namespace = namespaceOf(region, port);
    const more = port.addresses.slice(1).map((address) => `address add ${address}/32 dev eth0`);
    await ipBatch(more, namespace);
    const [a, b] = port.addresses[0]!.split(".");
    const gateway = (await region.client.list("networks", { name: `n${port.network}` }))[0]?.gateway ?? `${a}.${b}.0.1`;
    await ping({ namespace, to: gateway, count: 1 });
  }
}

/** From a guest of the one real host to one of the other. */
export async function pathOf(region: Region): Promise<BenchPath> {
  const [from, to] = [talkers(region, 0)[0]!, talkers(region, 1)[0]!];
  const path: BenchPath = {
    name: "onehop-routed",
    from: namespaceOf(region, from),
    to: namespaceOf(region, to),
    address: to.addresses[0]!,
  };
  await ping({ namespace: path.from, to: path.address, count: 20 });
  return path;
}

/** What pairs of guests of the two real hosts saw of one another. */
export interface Talk {
  readonly pairs: number;
  readonly lost: number;
  readonly first_us: Quantiles;
  readonly direct_us: Quantiles;
  readonly learned_per_s: number;
}

interface Printed {
  readonly pairs: number;
  readonly lost: number;
  readonly first_us: readonly number[];
  readonly last_us: readonly number[];
}

/** Rounds of conversations of new pairs, every one by a hub at first; nothing is known at the beginning of each. */
export async function talk(region: Region, rounds: number): Promise<Talk> {
  const tool = await toolPath("pairs");
  const specs = (side: 0 | 1): string[] =>
    talkers(region, side).map((p) => `${namespacePath(namespaceOf(region, p))}=${p.addresses.join(",")}`);
  const there = talkers(region, 1).flatMap((p) => p.addresses);
  const namespaces = ([0, 1] as const).map((side) => namespaceOf(region, talkers(region, side)[0]!));
  const server = await serve(namespaces[1]!, [tool, "answer", CPU.receiver, PORT, ...specs(1)]);
  const kernels = ["h1", "h2"].map((host) => new HostKernel(region.lab, host));
  const all: Printed[] = [];
  let learned = 0;
  let seconds = 0;
  try {
    for (let n = 0; n < rounds; n++) {
      for (const { maps } of kernels) maps.learned.deleteMany([...maps.learned.keys()]);
      const argv = [tool, "ask", CPU.sender, PORT, String(n), "4", ...specs(0), "--", ...there];
      const start = performance.now();
      all.push(JSON.parse(await run(inNamespace(namespaces[0]!, argv))) as Printed);
      seconds += (performance.now() - start) / 1000;
      learned += [...kernels[0]!.maps.learned.keys()].length;
    }
  } finally {
    for (const kernel of kernels) kernel.close();
    await server.kill();
  }
  const times = (field: "first_us" | "last_us") => quantiles(all.flatMap((r) => r[field]).filter((us) => us > 0));
  const sum = (field: "pairs" | "lost") => all.reduce((n, r) => n + r[field], 0);
  return {
    pairs: sum("pairs"),
    lost: sum("lost"),
    first_us: times("first_us"),
    direct_us: times("last_us"),
    learned_per_s: Math.round(learned / seconds),
  };
}

/** Entries of a real host by the kernel's own account: where addresses are, pushed and learned. */
export async function entriesOf(
  region: Region,
  host: string,
): Promise<{ readonly pushed: number; readonly learned: number }> {
  const count = async (map: string): Promise<number> => {
    const pin = `${region.lab.files.pins(host)}/${map}`;
    return (JSON.parse(await run(["bpftool", "-j", "map", "dump", "pinned", pin])) as unknown[]).length;
  };
  return { pushed: await count("destinations_v1"), learned: await count("learned_v1") };
}

/** What a host of its own ports and networks should hold: their addresses and gateways. */
export function expectedEntries({ planned }: Region, index: number): number {
  const networks = new Set(planned.ports.filter((p) => p.host === index).map((p) => p.network));
  const own = planned.ports.filter((p) => networks.has(p.network));
  return networks.size + own.reduce((sum, { addresses }) => sum + addresses.length, 0);
}
export const MOST_TALKED_TO = TALKERS * ADDRESSES_A_TALKER;
