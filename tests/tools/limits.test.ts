import { expect, it } from "vitest";
import { judge, longFile, longFunctionsOfC, readAllowance } from "../../tools/limits.ts";

const lines = (n: number): string => "\tx++;\n".repeat(n);

it("A file over its limit is told, a test may be longer.", () => {
  expect(longFile("packages/a/src/b.ts", "\n".repeat(301))).toMatchObject([{ what: "file", size: 301, limit: 300 }]);
  expect(longFile("packages/a/src/b.test.ts", "\n".repeat(301))).toEqual([]);
});

it("A long C function is told by name, a stage may be longer.", () => {
  const text = `static int\nfoo(struct a *a, int b)\n{\n${lines(70)}}\nint bar(void)\n{\n${lines(2)}}\n`;
  expect(longFunctionsOfC("packages/datapath/bpf/lib/a.h", text)).toMatchObject([{ what: "function foo", size: 70 }]);
  expect(longFunctionsOfC("packages/datapath/bpf/stages/a.h", text)).toEqual([]);
});

it("A C function of five parameters is told.", () => {
  const text = "int f(int a, int b, int c, int d, int e)\n{\n}\n";
  expect(longFunctionsOfC("a.c", text)).toMatchObject([{ what: "params f", size: 5 }]);
});

it("The allowance covers what is over, and must not be larger than needed.", () => {
  const excess = [{ path: "a.ts", what: "file", size: 310, limit: 300 }];
  expect(judge(excess, new Map())).toEqual(["a.ts file: 310, limit 300"]);
  expect(judge(excess, readAllowance("# words\n310 a.ts file\n"))).toEqual([]);
  expect(judge(excess, readAllowance("320 a.ts file\n"))).toHaveLength(1);
  expect(judge([], readAllowance("310 a.ts file\n"))).toHaveLength(1);
});
