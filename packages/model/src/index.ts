/** The oracle: what should happen to a packet, worked out from Intent alone. Independent of the data plane. */
export * from "./knowledge.ts";
export * from "./messages.ts";
export * from "./outcome.ts";
export { type Conditions, predict } from "./predict.ts";
export { predictWire } from "./wire.ts";
