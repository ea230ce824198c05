import pc from "picocolors";

type Paint = ReturnType<typeof pc.createColors>;

/** Colours for a person's terminal only, and never under NO_COLOR; an environment of CI makes no terminal. */
const paintFor = (stream: { readonly isTTY?: boolean }): Paint =>
  pc.createColors(stream.isTTY === true && !process.env.NO_COLOR);

export const onStdout: Paint = paintFor(process.stdout);
export const onStderr: Paint = paintFor(process.stderr);
