export { registerLabCommands } from "./cli.ts";
export { type DemoOptions, demonstrate } from "./demo/demo.ts";
export type { DemoResult } from "./demo/result.ts";
export type { Guest } from "./guests.ts";
export { Lab, type LabOptions } from "./lab.ts";
export { CommandError, inNamespace, ipBatch, type Ran, run, tryRun } from "./system/run.ts";
export { sweepDead } from "./system/sweep.ts";
export { until } from "./system/until.ts";
