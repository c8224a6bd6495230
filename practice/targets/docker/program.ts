import { listening } from "../../kit/listening.ts";

/** What a container's program is told about itself. */
export interface Surroundings {
  readonly name: string;
  readonly service: string;
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Ports of this machine that the container publishes. */
  readonly ports: readonly number[];
}

/** A program that runs: a process or a listener of its own. */
export interface Running {
  healthy(): Promise<boolean> | boolean;
  /** Asked to end; resolves when it has, and has to within the seconds. */
  stop(seconds: number): Promise<void>;
  /** As SIGKILL does. Absent: as `stop(0)`. */
  kill?(): Promise<void>;
}

/** What an image does when a container of it starts. Rejects when it can't. */
export type Program = (about: Surroundings) => Promise<Running>;

/** An HTTP listener on the first published port, or on a free one, that says who it is. */
export const web: Program = async (about) => {
  const server = await listening(
    (request, response) => {
      const { name, service, image } = about;
      const body = { status: "healthy", container: name, service, image, path: request.url };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    },
    { port: about.ports[0] ?? 0 },
  );
  return {
    healthy: () => server.isOpen(),
    stop: () => server.close(),
  };
};

/** Starts and never becomes healthy. */
export const sick: Program = async () => ({ healthy: () => false, stop: async () => {} });

/** For a program of the environment that is started and stopped elsewhere: a database, a cache. */
export function managed(program: {
  start(): Promise<void>;
  stop(): Promise<void>;
  kill?(): Promise<void>;
  healthy(): Promise<boolean> | boolean;
}): Program {
  return async () => {
    await program.start();
    const { healthy, stop, kill } = program;
    return { healthy, stop, ...(kill && { kill }) };
  };
}
