import { createHash } from "node:crypto";
import { type Program, web } from "./program.ts";

/** An image as a registry or the engine has it. */
export interface Image {
  /** `registry.example/api:2` */
  readonly tag: string;
  readonly repository: string;
  /** `sha256:…` of the manifest: what `@` names. */
  readonly digest: string;
  /** `sha256:…` of the configuration: what containers point to. */
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly program: Program;
}

export interface ImageWish {
  readonly tag: string;
  readonly program?: Program;
  readonly environment?: readonly string[];
  /** False: the image has no health check, and a container of it is as healthy as it is running. */
  readonly healthcheck?: boolean;
}

/** The same tag is always the same image: its digests are those of its name. */
export function imageOf({ tag, program = web, environment = [], healthcheck = true }: ImageWish): Image {
  const sha = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
  return {
    tag,
    repository: tag.replace(/:[^:/]+$/, ""),
    digest: sha(`manifest ${tag}`),
    id: sha(`config ${tag}`),
    config: {
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", ...environment],
      Cmd: ["serve"],
      Entrypoint: null,
      WorkingDir: "/app",
      ...(healthcheck ? { Healthcheck: { Test: ["CMD", "probe"] } } : {}),
    },
    program,
  };
}

/** `repository@sha256:…` */
export function byDigest({ repository, digest }: Image): string {
  return `${repository}@${digest}`;
}

export function isNamed(image: Image, name: string): boolean {
  return [image.tag, image.id, byDigest(image)].includes(name);
}
