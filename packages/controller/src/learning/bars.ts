import { type BarList, type BarredRow, type BarsQuestion, nounOf, type TraceObject } from "@onehop/core";
import Type from "typebox";
import { Compile } from "typebox/compile";
import { getOne } from "../api/read.ts";
import { barOf } from "../look/learned.ts";
import { ref } from "../look/names.ts";
import { fromAll } from "../look/scope.ts";
import type { Listing } from "../look/traffic.ts";

/** What a host answers; one in other hands may answer anything. */
const rows = Compile(
  Type.Array(
    Type.Object({ vpc: Type.Integer(), host: Type.Integer(), since: Type.Integer({ minimum: 0, maximum: 2 ** 40 }) }),
  ),
);

/** Which hosts bar this one, and in which VPC. Each host has its own evidence: nobody's word bars a host elsewhere. */
export const listBars = (listing: Listing, hostId: string): Promise<BarList> => ask(listing, hostId, "bars");

/** They believe it again; those that do not answer keep their bars, and are told apart. */
export const liftBars = (listing: Listing, hostId: string): Promise<BarList> => ask(listing, hostId, "trust");

async function ask(listing: Listing, hostId: string, what: BarsQuestion["what"]): Promise<BarList> {
  const { store, caller, names, agents } = listing;
  const { number: host } = await getOne({ store, caller, noun: nounOf("host") }, hostId);
  const others = [...names.intent.hosts.values()].filter((h) => h.kind === "onehop" && h.id !== hostId);
  const question: BarsQuestion = { what, host: Number(host) };
  const { answers, silent } = await fromAll(
    others.map((h) => ref("host", h)),
    (at) => agents.ask(at.id, question),
  );
  const items = answers.flatMap(([at, answer]) => rowsOf(answer, Number(host)).map((row) => barOf(at, row, names)));
  return { items: items.sort(byPlace), silent };
}

const rowsOf = (answer: unknown, host: number): BarredRow[] =>
  rows.Check(answer) ? (answer as BarredRow[]).filter((row) => row.host === host) : [];

const byPlace = (a: { at: TraceObject }, b: { at: TraceObject }): number =>
  a.at.name.localeCompare(b.at.name, "en", { numeric: true });
