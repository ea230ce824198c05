import type { MemoryStore } from "@onehop/store";
import type { Random } from "../topologies/random.ts";
import type { Network } from "./network.ts";
import type { StoreRig } from "./store.ts";
import type { Time } from "./time.ts";

/** What all machines of a simulation share. */
export interface Surroundings {
  readonly time: Time;
  readonly random: Random;
  readonly network: Network;
  readonly memory: MemoryStore;
  readonly storeRig: StoreRig;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /** Something that must never be was seen. */
  readonly onBroken: (sentence: string) => void;
}
