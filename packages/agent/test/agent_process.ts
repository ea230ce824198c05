import { OBJECT_DIR } from "@onehop/datapath";
import { startAgent } from "../src/main.ts";

/** An agent as a process of its own, so that it can live in a network namespace and be killed: host, controller, dir, pins. */
const [host, controller, stateDir, pins] = process.argv.slice(2) as [string, string, string, string];
const running = await startAgent({
  host,
  controllers: [controller],
  stateDir,
  pins,
  uplinks: ["up0"],
  objectDir: OBJECT_DIR,
});
process.once("SIGTERM", () => void running.stop().then(() => process.exit(0)));
