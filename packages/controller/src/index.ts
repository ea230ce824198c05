export * from "./compile/index.ts";
export { type ControllerOptions, type RunningController, startController } from "./main.ts";
export type { AnyObject, StatusSource } from "./status_source.ts";
