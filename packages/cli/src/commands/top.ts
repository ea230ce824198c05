import type { TopItem, TopList } from "@onehop/core";
import { type Command, Option } from "commander";
import { usage } from "../exit.ts";
import type { Io } from "../io.ts";
import { printData } from "../output/print.ts";
import { table } from "../output/table.ts";
import { openSession } from "../session.ts";
import { addLookOptions, type LookOptions, lookQuery, tellSilent } from "./drops.ts";

interface TopOptions extends LookOptions {
  readonly seconds: string;
  readonly limit: string;
}

/** `onehop top [ports|pairs]`: who sends how much now. */
export function registerTop(program: Command, io: Io): void {
  const command = program
    .command("top")
    .description("ports, or pairs of addresses, by traffic")
    .helpGroup("Seeing:")
    .argument("[what]", "ports or pairs", "ports")
    .addOption(new Option("--seconds <n>", "how long to count, 1 to 10").default("1"))
    .addOption(new Option("--limit <n>", "rows to show").default("20"))
    .addHelpText(
      "after",
      "\nPairs are counted exactly, by programs that take the others' place meanwhile; where they are sent.",
    );
  addLookOptions(command).action(async (what: string, options: TopOptions) => {
    if (what !== "ports" && what !== "pairs")
      throw usage(`There is no top of ${JSON.stringify(what.slice(0, 40))}.`, "ports or pairs");
    const limit = /^\d{1,5}$/.test(options.limit) ? Number(options.limit) : 0;
    if (limit < 1) throw usage("--limit must be a number above 0.");
    const session = await openSession(io, options);
    const query = { ...(await lookQuery(session, options)), by: what, seconds: options.seconds };
    const list = (await session.api.request("GET", `/v1/top?${new URLSearchParams(query)}`)).body as TopList;
    const items = list.items.filter((i) => i.tx_pps + (i.rx_pps ?? 0) > 0).slice(0, limit);
    if (!(await printData(io, options.output, { ...list, items }))) {
      if (items.length === 0) io.err("No traffic.\n");
      else io.out(what === "ports" ? portsText(items) : pairsText(items));
      tellSilent(io, list.silent);
    }
  });
}

const portsText = (items: readonly TopItem[]): string =>
  table(
    ["port", "host", "tx pps", "tx bit/s", "rx pps", "rx bit/s"],
    items.map((i) => [
      i.port?.name ?? "-",
      i.host.name,
      short(i.tx_pps),
      short(i.tx_bps),
      short(i.rx_pps ?? 0),
      short(i.rx_bps ?? 0),
    ]),
  );

const pairsText = (items: readonly TopItem[]): string =>
  table(
    ["from", "to", "vpc", "host", "pps", "bit/s"],
    items.map((i) => [
      end(i.src_port?.name, i.src),
      end(i.dst_port?.name, i.dst),
      i.vpc?.name ?? "-",
      i.host.name,
      short(i.tx_pps),
      short(i.tx_bps),
    ]),
  );

const end = (name: string | undefined, address = "-"): string => (name ? `${name} (${address})` : address);

const UNITS = ["", "k", "M", "G", "T"];
/** Three digits and a unit: `12.3M`. */
export function short(n: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(n, 1)) / 3), 0), UNITS.length - 1);
  const scaled = n / 1000 ** power;
  return `${scaled >= 100 || power === 0 ? Math.round(scaled) : scaled.toFixed(1)}${UNITS[power]}`;
}
