import { isDeepStrictEqual } from "node:util";
import type { ApiContainer } from "./container.ts";

type Tree = Readonly<Record<string, unknown>>;

/** What an image brings along, as the engine shows it. */
export interface ApiImage {
  readonly Id: string;
  readonly RepoDigests?: readonly string[];
  readonly Config?: Tree | null;
}

/**
 * What has to be asked of an engine to create the same container from another image: its own settings without those its
 * old image gave it, its host settings, its networks. The new image's settings take the place of the old one's.
 */
export function copyOf(container: ApiContainer, oldImage: ApiImage, image: string, imageId: string): Tree {
  const own = withoutImage(container.Config, oldImage.Config ?? {});
  const { Hostname, ...config } = own;
  const labels = { ...(own.Labels as Record<string, string> | undefined), "com.docker.compose.image": imageId };
  return {
    ...config,
    ...(Hostname === container.Id.slice(0, 12) ? {} : { Hostname }),
    Image: image,
    Labels: labels,
    HostConfig: container.HostConfig,
    NetworkingConfig: { EndpointsConfig: networksOf(container) },
  };
}

/** Volumes without a name are lost with their container: nothing points from the new one to the old one's data. */
export function namelessVolumes({ Mounts = [] }: ApiContainer): readonly string[] {
  return Mounts.filter(({ Type, Name }) => Type === "volume" && /^[0-9a-f]{64}$/.test(Name ?? "")).map(
    ({ Destination }) => Destination,
  );
}

function withoutImage(config: Tree, image: Tree): Tree {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => {
      const brought = image[key];
      if (brought === undefined || brought === null) return [[key, value]];
      if (isDeepStrictEqual(value, brought)) return [];
      return [[key, without(value, brought)]];
    }),
  );
}

function without(value: unknown, brought: unknown): unknown {
  if (
    Array.isArray(value) &&
    Array.isArray(brought) &&
    value.every((one) => typeof one === "string" && one.includes("="))
  )
    return value.filter((one) => !brought.includes(one));
  if (isTree(value) && isTree(brought))
    return Object.fromEntries(Object.entries(value).filter(([key, one]) => !isDeepStrictEqual(one, brought[key])));
  return value;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What was asked of each network: the addresses the engine handed out are its own. */
function networksOf({ Id, NetworkSettings }: ApiContainer): Tree {
  return Object.fromEntries(
    Object.entries(NetworkSettings?.Networks ?? {}).map(([name, network]) => {
      const { IPAMConfig, Links, Aliases, DriverOpts } = network as {
        IPAMConfig?: unknown;
        Links?: unknown;
        Aliases?: readonly string[] | null;
        DriverOpts?: unknown;
      };
      const aliases = (Aliases ?? []).filter((alias) => alias !== Id.slice(0, 12));
      return [name, { IPAMConfig, Links, DriverOpts, Aliases: aliases }];
    }),
  );
}
