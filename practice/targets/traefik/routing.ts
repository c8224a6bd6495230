import type { Configuration, RouterRule, ServiceRule } from "./configuration.ts";

/** Who gets a request, by the configuration in force and by who is up. */
export interface Routing {
  use(configuration: Configuration): void;
  /** The server's URL, or why there is none. */
  serverFor(host: string, path: string): string | "no-router" | "no-server";
  services(): readonly Described[];
  routers(): readonly Described[];
  close(): void;
}

export interface Described {
  readonly name: string;
  readonly [key: string]: unknown;
}

const CHECK_MS = 100;

export function createRouting(): Routing {
  let current: Configuration = { sha256: "", services: {}, routers: {} };
  /** Servers no one looked at yet count as up, as with Traefik. */
  let down = new Set<string>();
  let turn = 0;
  const beat = setInterval(() => void look(), CHECK_MS);

  async function look(): Promise<void> {
    const found = new Set<string>();
    await Promise.all(
      Object.values(current.services).flatMap(({ loadBalancer }) =>
        (loadBalancer?.servers ?? []).map(async ({ url }) => {
          const path = loadBalancer?.healthCheck?.path;
          if (path !== undefined && !(await answers(new URL(path, url)))) found.add(url);
        }),
      ),
    );
    down = found;
  }

  const up = (url: string) => !down.has(url);

  function serversOf(name: string): readonly string[] {
    const service = current.services[bare(name)] ?? {};
    for (const lead of Object.values(KINDS)) {
      const servers = lead(service, serversOf, up);
      if (servers) return servers;
    }
    return [];
  }

  return {
    use(configuration) {
      current = configuration;
      void look();
    },
    serverFor(host, path) {
      const router = Object.values(current.routers).find((one) => matches(one, host, path));
      if (!router) return "no-router";
      const servers = serversOf(router.service);
      return servers[turn++ % Math.max(1, servers.length)] ?? "no-server";
    },
    services: () =>
      Object.entries(current.services).map(([name, service]) => ({
        ...service,
        name: `${name}@file`,
        provider: "file",
        status: "enabled",
        type: Object.keys(service)[0]?.toLowerCase(),
        ...(service.loadBalancer && {
          serverStatus: Object.fromEntries(
            (service.loadBalancer.servers ?? []).map(({ url }) => [url, down.has(url) ? "DOWN" : "UP"]),
          ),
        }),
      })),
    routers: () =>
      Object.entries(current.routers).map(([name, router]) => ({
        ...router,
        name: `${name}@file`,
        provider: "file",
        status: "enabled",
      })),
    close: () => clearInterval(beat),
  };
}

/** Who a service of a kind leads to; undefined: it is of another kind. */
type Kind = (
  service: ServiceRule,
  serversOf: (name: string) => readonly string[],
  up: (url: string) => boolean,
) => readonly string[] | undefined;

const KINDS: Readonly<Record<"loadBalancer" | "failover" | "weighted", Kind>> = {
  loadBalancer: ({ loadBalancer }, _serversOf, up) =>
    loadBalancer && (loadBalancer.servers ?? []).map(({ url }) => url).filter(up),
  failover({ failover }, serversOf) {
    if (!failover) return undefined;
    const first = serversOf(failover.service);
    return first.length > 0 ? first : serversOf(failover.fallback);
  },
  weighted: ({ weighted }, serversOf) =>
    weighted?.services.flatMap(({ name, weight = 1 }) => {
      const servers = serversOf(name);
      return Array.from({ length: weight }, (_, i) => servers[i % servers.length]).filter((url) => url !== undefined);
    }),
};

const MATCHERS: Readonly<Record<string, (value: string, host: string, path: string) => boolean>> = {
  Host: (value, host) => host.replace(/:\d+$/, "") === value,
  PathPrefix: (value, _host, path) => path.startsWith(value),
};

export function routingCovered(): readonly string[] {
  return [...Object.keys(KINDS), ...Object.keys(MATCHERS)];
}

/** `` Host(`a`) && PathPrefix(`/b`) ``; other matchers match nothing. */
function matches({ rule }: RouterRule, host: string, path: string): boolean {
  return rule.split("&&").every((part) => {
    const [, matcher = "", value = ""] = /^\s*(\w+)\(`([^`]*)`\)\s*$/.exec(part) ?? [];
    return MATCHERS[matcher]?.(value, host, path) ?? false;
  });
}

function bare(name: string): string {
  return name.replace(/@file$/, "");
}

async function answers(url: URL): Promise<boolean> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(500) });
    return status >= 200 && status < 400;
  } catch {
    return false;
  }
}
