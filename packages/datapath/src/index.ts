export * from "./codec.ts";
export * from "./layout.ts";
export * from "./maps.gen.ts";
