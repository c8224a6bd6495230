/** The stand-in of a Docker host and of the Compose projects on it. */
export { dockerCovered } from "./api.ts";
export type { Container } from "./container.ts";
export { createDocker, type DockerOptions, type PracticeDocker, type ServiceWish } from "./engine.ts";
export { byDigest, type Image, type ImageWish, imageOf } from "./images.ts";
export { managed, type Program, type Running, type Surroundings, sick, web } from "./program.ts";
