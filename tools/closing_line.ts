import type { Reporter, TestModule } from "vitest/node";

/** Prints `N passed, N failed` alone on the last line, for whoever reads the end of the output. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      const before = failed;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
      }
      // A file that does not load, or a hook that throws, has no failed test of its own.
      if (!module.ok() && failed === before) failed++;
    }
    // On exit, so that nothing of the other reporters comes after it.
    process.once("exit", () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}
