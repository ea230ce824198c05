export * from "./compile.ts";
export * from "./encode.ts";
export * from "./incremental.ts";
export * from "./indexed.ts";
export * from "./interest.ts";
export * from "./learning.ts";
