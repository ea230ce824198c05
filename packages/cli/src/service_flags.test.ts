import { Command } from "commander";
import { expect, test } from "vitest";
import { learnedAgeOption } from "./service_flags.ts";

const agedBy = (text: string): unknown =>
  new Command().addOption(learnedAgeOption()).parse(["--learned-age", text], { from: "user" }).opts();

test("a learned address may lie unused for a second up to a day", () => {
  expect([agedBy("1"), agedBy("86400")]).toEqual([{ learnedAge: 1 }, { learnedAge: 86_400 }]);
  for (const wrong of ["0", "86401", "1.5", "-3", "5m"]) expect(() => agedBy(wrong)).toThrow(/from 1 to 86400/);
});
