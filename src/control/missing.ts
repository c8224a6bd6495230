/** No such file, or one that can't be opened as a plain file: a link where none is followed, no permission. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ELOOP", "EMLINK", "EACCES", "EPERM", "ENXIO", "EISDIR", "ENOTDIR"].includes(
    String((error as { code?: unknown }).code),
  );
}
