import { type ServiceError, status } from "@grpc/grpc-js";
import { StoreError } from "../store.ts";

/** What a failed call means to the users of a store. */
export function storeError(error: unknown): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error));
  const { code, details } = error;
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      if (details.includes("space exceeded")) return new StoreError("no_space", "The store's disk quota is used up.");
      if (details.includes("too many requests")) return unavailable(details);
      return tooLarge(details);
    case status.INVALID_ARGUMENT:
      return details.includes("too large") ? tooLarge(details) : new RangeError(details);
    case status.OUT_OF_RANGE:
      // The other meaning is a revision of the future, a mistake of the caller.
      return details.includes("compacted") ? new StoreError("compacted", details) : new RangeError(details);
    case status.NOT_FOUND:
      return new StoreError("lease_gone", details);
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    case status.ABORTED:
    case status.INTERNAL:
    case status.UNKNOWN:
      return unavailable(details);
    default:
      return error;
  }
}

const unavailable = (details: string): StoreError =>
  new StoreError("unavailable", `The store does not answer (${details}); whether a write was done is not known.`);
const tooLarge = (details: string): StoreError =>
  new StoreError("too_large", `The request is larger than the store takes (${details}).`);

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && "code" in error && "details" in error && typeof error.code === "number";
