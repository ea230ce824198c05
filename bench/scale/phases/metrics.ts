import type { Region } from "../region.ts";

/** Sums over all controllers of what their /metrics say, by name without labels. */
export async function metrics(region: Region): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>();
  const texts = await Promise.all(region.apis.map((api) => api.request("GET", "/metrics")));
  for (const { body } of texts)
    for (const line of String(body).split("\n")) {
      const [, name, value] = /^([a-z_]+)(?:\{[^}]*\})? (\S+)$/.exec(line) ?? [];
      if (name && Number.isFinite(Number(value))) sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
  return sums;
}
