import { parseCidr4, parseIpv4, portMacProblem } from "@onehop/core";

/** Why a text is not of a format, or undefined where it is. */
type Problem = (text: string) => string | undefined;

const matching =
  (pattern: RegExp, sentence: string): Problem =>
  (text) =>
    pattern.test(text) ? undefined : sentence;

/** Every string format of the nouns' schemas, judged by the parsers that the rest of the system uses. */
const FORMATS: Readonly<Record<string, Problem>> = {
  "ipv4-address": (text) =>
    parseIpv4(text) === undefined ? "must be an IPv4 address such as 10.0.0.1, without leading zeros" : undefined,
  "ipv4-cidr": (text) => {
    const range = parseCidr4(text);
    return typeof range === "string" ? range : undefined;
  },
  "port-mac": portMacProblem,
  uuid: matching(
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    "must be a UUID in lower case (RFC 9562)",
  ),
  "date-time": matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, "must be a time in UTC (RFC 3339)"),
};

export const formatProblem = (format: string, text: string): string | undefined => FORMATS[format]?.(text);

/** For ajv's `formats` option. */
export const AJV_FORMATS: Readonly<Record<string, (text: string) => boolean>> = Object.fromEntries(
  Object.entries(FORMATS).map(([name, problem]) => [name, (text: string) => problem(text) === undefined]),
);

export const isUuid = (text: string): boolean => formatProblem("uuid", text) === undefined;
