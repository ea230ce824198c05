import { onStdout } from "../paint.ts";
import type { DemoResult } from "./result.ts";
import type { Row } from "./row.ts";

const HEADER = ["FROM", "TO", "CASE", "PATH", "ROUND TRIP", "TCP", "ON THE WIRE", ""];

/** The result as a person likes to read it. */
export function table(result: DemoResult): string {
  const cells = [HEADER, ...result.rows.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const [header, ...rows] = lines;
  const coloured = rows.map((line, i) => (result.rows[i]!.ok ? line : onStdout.red(line)));
  return [onStdout.bold(header), ...coloured, "", ...summary(result)].join("\n");
}

function cellsOf(row: Row): string[] {
  const rtt = row.rtt_us === null ? "-" : `${(row.rtt_us / 1000).toFixed(3)} ms`;
  const tcp = row.tcp_gbps === null ? "-" : `${row.tcp_gbps.toFixed(1)} Gb/s`;
  return [row.from, row.to, row.case, row.path, rtt, tcp, wireWords(row), row.ok ? "✓" : "✗"];
}

function wireWords({ encapsulations: n, first_packet: first }: Row): string {
  if (n === null) return "not seen";
  if (n === 0) return "nothing";
  const words = n === 1 ? "1 encapsulation" : `${Math.round(n * 100) / 100} encapsulations`;
  return first ? `${words}; the first packet ${first.encapsulations}, by hub ${first.hub ?? "-"}` : words;
}

function summary(result: DemoResult): string[] {
  const crossed = result.cross_vpc_packets;
  const problems = [
    ...result.rows.flatMap((r) => r.problems.map((p) => `${r.from} to ${r.to}: ${p}`)),
    ...result.problems,
  ];
  const kept = Object.entries(result.promises).map(([id, ok]) =>
    ok ? onStdout.green(`${id} ✓`) : onStdout.red(`${id} ✗`),
  );
  return [
    `Cross-VPC packets: ${crossed === 0 ? onStdout.green("0") : onStdout.red(String(crossed ?? "not seen"))}`,
    `Promises: ${kept.join("  ")}`,
    ...problems.map((p) => onStdout.red(`✗ ${p}`)),
  ];
}
