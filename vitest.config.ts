import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "tests/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    // Tests of the data plane run on what the C says now.
    globalSetup: ["tools/build_bpf.ts"],
    pool: "forks",
    // Labs carry ids of their own, so that two may be up at once.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
