import type { Checked } from "@onehop/api";
import { type FieldError, OnehopError } from "@onehop/core";

/** 400 with every problem of a body. */
export function refuseBody({ errors, hint }: Checked): void {
  if (errors.length === 0) return;
  const [first] = errors as [FieldError];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new OnehopError({
    code: "invalid",
    status: 400,
    message: `${first.pointer || "The body"}: ${first.detail}${more}`,
    errors,
    ...(hint ? { hint } : {}),
  });
}

/** 503: others keep changing what this write is planned upon, or the store lost its leases. */
export const busy = (): OnehopError =>
  new OnehopError({
    code: "busy",
    status: 503,
    message: "Others changed what this write depends on, again and again.",
    hint: "Try again.",
    retry_after: 1,
  });

export const preconditionFailed = (kind: string, name: string, revision: number): OnehopError =>
  new OnehopError({
    code: "revision_mismatch",
    status: 412,
    message: `The ${kind} ${name} was changed by somebody else; it is at revision ${revision} now.`,
    hint: "Read it again, and decide again.",
    fields: { revision },
  });
