export { type Certain, certainOf, type Filter, parseFilter, passes } from "./filter.ts";
export * from "./learned.ts";
export { FilterError } from "./tokens.ts";
export * from "./trace.ts";
export * from "./traffic.ts";
