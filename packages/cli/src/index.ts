export * from "./api.ts";
export * from "./apply.ts";
export { EXIT } from "./exit.ts";
export type { Io } from "./io.ts";
export { createProgram, run } from "./program.ts";
