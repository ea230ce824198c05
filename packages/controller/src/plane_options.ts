import type { SliceId } from "@onehop/core";
import type { Clock, Store } from "@onehop/store";
import type { Logger } from "pino";
import type { Sentry } from "./epoch/sentry.ts";
import type { Random } from "./handlers/handler.ts";
import type { BrakeLimits } from "./shards/brake.ts";
import type { DialMember } from "./shards/peers.ts";

export interface ControlPlaneOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Of this controller; unique among those that live. */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly random: Random;
  readonly logger: Logger;
  readonly meters?: Meters;
  readonly brake?: BrakeLimits;
  /** Opens streams to other controllers. */
  readonly dial?: DialMember;
  /** Lets other events of the process have their turn. */
  readonly breathe?: () => Promise<void>;
}

/** Told of what is counted as it happens. */
export interface Meters {
  /** A slice changed: hosts told of it, of those that are interested. */
  fanOut(told: number, interested: number): void;
  /** A slice waited so long for its turn. */
  waited(id: SliceId, milliseconds: number): void;
}

/** With what was found out of the store. */
export interface Opened extends ControlPlaneOptions {
  readonly sentry: Sentry;
  /** Some controller served hosts over this store before. */
  readonly wasServed: boolean;
}
