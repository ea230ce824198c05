export * from "./address/ipv4.ts";
export * from "./address/mac.ts";
export * from "./clock.ts";
export * from "./errors.ts";
export * from "./nouns/index.ts";
export * as packet from "./packet/index.ts";
export * from "./plan/protocol.ts";
export * from "./plan/slices.ts";
export * from "./status/drop_reason.ts";
