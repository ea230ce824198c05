import type { Guest } from "./guests.ts";

const HEADER = ["LAB", "GUEST", "ADDRESSES", "HOST", "PROJECT", "VPC", "NETWORK", "NAMESPACE", "STATE"];

/** Guests as a table. */
export function lines(guests: readonly (Guest & { readonly lab: string })[]): string {
  const rows = guests.map((g) => [
    g.lab,
    g.name,
    g.addresses.join(","),
    g.host,
    g.project,
    g.vpc,
    g.network,
    g.namespace,
    g.state,
  ]);
  const widths = HEADER.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [HEADER, ...rows]
    .map(
      (row) =>
        `${row
          .map((c, i) => c.padEnd(widths[i]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
