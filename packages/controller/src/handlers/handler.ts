import type { At, Field, Fields, Host, Meta, Network, Port, Project, Route, Vpc } from "@onehop/core";
import type { Static } from "typebox";
import type { Leases } from "../allocate/leases.ts";
import type { Caller } from "../auth/caller.ts";
import type { Draft } from "./draft.ts";

/** What the system may hand out, and for how long a freed number rests. */
export interface Limits {
  readonly vniFrom: number;
  readonly vniTo: number;
  /** Seconds. */
  readonly vniRest: number;
  readonly addressRest: number;
}

export const LIMITS: Limits = { vniFrom: 4096, vniTo: 0xffffff, vniRest: 300, addressRest: 60 };

/** Answers this many random bytes. */
export type Random = (bytes: number) => Uint8Array;

/** What a handler may use, and for whom it works. */
export interface Context {
  readonly caller: Caller;
  readonly leases: Leases;
  readonly limits: Limits;
  readonly random: Random;
  /** RFC 3339, UTC. */
  readonly now: () => string;
  /** The revision to which a VPC is rolled back: its objects take back what rests of them. */
  readonly restoring?: number;
}

export interface ObjectOf {
  project: Project;
  host: Host;
  vpc: Vpc;
  network: Network;
  port: Port;
  route: Route;
}

type Sure<F extends Fields> = {
  [K in keyof F as F[K]["mode"] extends "required" | "defaulted" ? K : never]: Static<F[K]["schema"]>;
};
type Perhaps<F extends Fields> = {
  [K in keyof F as F[K]["mode"] extends "optional" | "allocated" ? K : never]?: Static<F[K]["schema"]>;
};
/** A create body that fits the noun's schema, with defaults filled in. */
export type Given<N extends { readonly fields: Readonly<Record<string, Field>> }> = Meta &
  Sure<N["fields"]> &
  Perhaps<N["fields"]>;

export interface Change<T> {
  readonly before: At<T>;
  readonly after: T;
}

/** What is particular to a noun when it is written; objects.ts does what all have in common. */
export interface Handler<T extends Meta, G extends Meta = T> {
  /** Checks a body against its surroundings and fills in what is derived or allocated. */
  create(draft: Draft, given: G, context: Context): Promise<T>;
  /** Checks a change that fits the schema; answers the object to store. */
  change?(draft: Draft, change: Change<T>, context: Context): Promise<T>;
  /** Gives back what the object holds. */
  remove?(draft: Draft, object: At<T>, context: Context): Promise<void>;
  /** What its siblings compare themselves with; stored beside the parent. */
  sibling?(object: T): string;
}
