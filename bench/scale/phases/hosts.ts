import { until } from "@onehop/lab";
import { inParallel } from "../parallel.ts";
import type { Progress, Region } from "../region.ts";

/** Requests under way at once. */
const AT_ONCE = 32;

/** Registers the simulated hosts and waits until each has a stream to every controller. Seconds it took. */
export async function addHosts(region: Region, progress: Progress): Promise<number> {
  const { client, planned, shape, lab, fleet } = region;
  const start = performance.now();
  const simulated = Array.from({ length: shape.hosts }, (_, i) => i).filter((i) => !planned.real.includes(i));
  progress(`Registering ${simulated.length} simulated hosts`);
  await inParallel(simulated, AT_ONCE, async (i) => {
    const tunnel_address = `198.19.${i >> 8}.${i & 255}`;
    region.hostIds[i] = (await client.create("hosts", { name: `s${i}`, tunnel_address })).id;
  });
  progress("Connecting them");
  const ids = simulated.map((i) => region.hostIds[i]!);
  await fleet.add(ids, `unix:${lab.files.agentSocket}`);
  await until(
    "all simulated hosts to have their streams and slices",
    async () => {
      const { streams, whole } = await fleet.look();
      return (streams === 3 * ids.length && whole === ids.length) || undefined;
    },
    120_000,
  );
  return (performance.now() - start) / 1000;
}
