import { soon } from "../fleet.ts";
import { createS3, type S3 } from "../s3/index.ts";
import { MEDIA, MEDIA_BACKUP, MEDIA_BACKUP_REGION, MEDIA_REGION } from "./names.ts";

/** MinIO with the media, which it copies to an S3 elsewhere by itself. */
export interface Media {
  readonly s3: S3;
  /** Both hold every object. */
  reset(): Promise<void>;
  /** MinIO is empty: its disks were replaced. */
  lose(): void;
  minioIs(what: "up" | "down"): void;
  readonly minioIsUp: boolean;
  keys(bucket: string): readonly string[];
  /** Whether a bucket gives an object out now. */
  has(bucket: string, key: string): boolean;
  close(): Promise<void>;
}

const OBJECTS = 60;
const COPY_SECONDS = 5;

export async function createMedia(): Promise<Media> {
  const s3 = await createS3();
  const { store, weather } = s3;
  const minio = store.add(MEDIA, MEDIA_REGION);
  const copy = store.add(MEDIA_BACKUP, MEDIA_BACKUP_REGION);
  minio.rules.push({ id: "to-s3", destination: MEDIA_BACKUP, prefix: "media/", seconds: COPY_SECONDS, enabled: true });
  const media: Media = {
    s3,
    async reset() {
      for (const region of [MEDIA_REGION, MEDIA_BACKUP_REGION]) weather.up(region);
      for (const bucket of [minio, copy]) bucket.objects.clear();
      for (let n = 0; n < OBJECTS; n++) store.put(MEDIA, `media/${n}.jpg`, `picture ${n}`);
      await soon("every object being copied", 10, async () =>
        [...minio.objects.values()].every(({ replication }) => replication === "COMPLETED"),
      );
    },
    lose() {
      minio.objects.clear();
    },
    minioIs: (what) => weather[what](MEDIA_REGION),
    get minioIsUp() {
      return !weather.isDown(MEDIA_REGION);
    },
    keys: (name) =>
      [...(store.buckets.get(name)?.objects.keys() ?? [])].filter((key) => !key.startsWith(".lifeboat/")).sort(),
    has(name, key) {
      const bucket = store.buckets.get(name);
      return bucket !== undefined && !weather.isDown(bucket.region) && bucket.objects.has(key);
    },
    close: () => s3.close(),
  };
  await media.reset();
  return media;
}
