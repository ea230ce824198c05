export * from "./entries.ts";
export * from "./facts.ts";
export * from "./guest_links.ts";
export * from "./lower.ts";
export * from "./parts.ts";
export * from "./plan.ts";
export * from "./slots.ts";
