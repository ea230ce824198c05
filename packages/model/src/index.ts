/** The oracle: what should happen to a packet, worked out from Intent alone. Independent of the data plane. */
export * from "./outcome.ts";
export { predict } from "./predict.ts";
export { predictWire } from "./wire.ts";
