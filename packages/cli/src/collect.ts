/** Commander's parser of an option that may be repeated: every text given, in order. */
export const collect = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];
