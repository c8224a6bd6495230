import { relative } from "node:path";
import { LifeboatError } from "../lib/errors.ts";

/** `sun_path` of Linux holds 108 bytes with its end, that of macOS 104. */
const PATH_BYTES_MAX = 103;

/** A path relative to the working directory is often shorter, and as good. @throws LifeboatError when neither fits. */
export function shortest(path: string): string {
  const [short] = [path, relative(process.cwd(), path)].sort((a, b) => a.length - b.length) as [string, string];
  if (Buffer.byteLength(short) <= PATH_BYTES_MAX) return short;
  throw new LifeboatError({
    code: "socket-path-long",
    where: path,
    what: `The path of a socket has at most ${PATH_BYTES_MAX - 7} bytes`,
    next: "Set LIFEBOAT_CLI_SOCKET to a shorter one",
  });
}
