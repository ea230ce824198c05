import type { Draft, Refusal } from "../handlers/draft.ts";
import type { Context } from "../handlers/handler.ts";

/** How to refuse a number that rests. */
export const resting = (code: string, seconds: number) => ({
  code,
  why: `was freed a moment ago and rests for ${seconds} s before it is used again`,
  retry_after: seconds,
});

/** The number must not rest; one that rests of this very object is taken back where its VPC is rolled back. */
export async function mustNotRest(
  draft: Draft,
  key: string,
  { owner, context, refusal }: { owner: string; context: Context; refusal?: Refusal },
): Promise<void> {
  if (context.restoring !== undefined && (await draft.snapshot.get(key))?.value === owner) {
    await draft.read(key);
    return draft.delete(key);
  }
  draft.claim({ key, ...(refusal ? { refusal } : {}) });
}
