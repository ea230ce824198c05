/** A fault put into the sources on purpose, and the test that must notice. */
export interface Breakage {
  readonly name: string;
  /** Path from the root. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly test: NamedTest;
}
export interface NamedTest {
  readonly file: string;
  /** The test's whole title, its suites' in front. */
  readonly title: string;
}

export const DIFFERENTIAL: NamedTest = {
  file: "tests/differential/differential.test.ts",
  title: "Q1 Q2 Q15 Q21 Q23: the programs do with random packets in random topologies what the model says",
};
