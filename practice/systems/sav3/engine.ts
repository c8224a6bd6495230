import { request } from "node:http";
import type { PracticeDocker } from "../../targets/docker/index.ts";

/** What a person with docker does. Rejects where the engine refuses it or does not answer. */
export function tellEngine({ socket }: PracticeDocker, method: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, method, path }, (response) => {
      response.resume();
      response.on("end", () =>
        (response.statusCode ?? 500) < 400 ? resolve() : reject(new Error(`${method} ${path}: ${response.statusCode}`)),
      );
    });
    asked.on("error", reject);
    asked.end();
  });
}
