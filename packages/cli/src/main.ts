#!/usr/bin/env node
import { nodeIo } from "./node_io.ts";
import { run } from "./program.ts";

// A reader that went away (onehop port list | head -1) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
// A command that runs another (onehop lab exec) has set that one's exit code.
const code = (await run(process.argv.slice(2), nodeIo())) || process.exitCode;
// The command is over, whatever timers a part that failed to start has left; what was written is written first.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
