import { connect, createServer, type Socket } from "node:net";

/** The network between a process and its PostgreSQL, which can be cut, stopped, or made to lose one answer. */
export interface Net {
  url(of: string): string;
  /** Nothing passes in either direction, and nothing is refused. */
  hold(): void;
  resume(): void;
  /** Every connection breaks now; new ones are accepted. */
  cut(): void;
  /** The next request that holds these words reaches the server; its answer does not come back: the connection breaks. */
  loseAnswerTo(words: string): Promise<void>;
  close(): Promise<void>;
}

export async function openNet(port: number): Promise<Net> {
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let held = false;
  let doomed: { words: string; lost: () => void } | null = null;

  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    const pair = { near, far };
    pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    let silent = false;
    near.on("data", (chunk) => {
      if (doomed && chunk.includes(doomed.words)) {
        silent = true;
        const { lost } = doomed;
        doomed = null;
        far.once("data", () => {
          lost();
          end();
        });
      }
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (!silent) near.write(chunk);
    });
    for (const socket of [near, far]) {
      socket.on("error", end);
      socket.on("close", end);
      if (held) socket.pause();
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  const each = (what: (socket: Socket) => void) => {
    for (const { near, far } of pairs) for (const socket of [near, far]) what(socket);
  };
  return {
    url: (of) => of.replace(/:\d+\//, `:${own}/`),
    hold() {
      held = true;
      each((socket) => socket.pause());
    },
    resume() {
      held = false;
      each((socket) => socket.resume());
    },
    cut: () => each((socket) => socket.destroy()),
    loseAnswerTo: (words) =>
      new Promise((lost) => {
        doomed = { words, lost };
      }),
    close: () =>
      new Promise((closed) => {
        each((socket) => socket.destroy());
        server.close(() => closed());
      }),
  };
}
