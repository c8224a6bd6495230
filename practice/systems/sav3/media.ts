import { soon } from "../../environment/patience.ts";
import { createS3, type S3 } from "../../targets/s3/index.ts";
import { MEDIA, MEDIA_BACKUP, MEDIA_BACKUP_REGION, MEDIA_NEW, MEDIA_NEW_REGION, MEDIA_REGION } from "./names.ts";

/** MinIO with the media, which it copies to an S3 elsewhere by itself. */
export interface Media {
  readonly s3: S3;
  /** Both hold every object. */
  reset(): Promise<void>;
  /** A storage is empty: its disks were replaced. */
  clear(bucket: string): void;
  /** A storage, by its bucket, answers or does not. */
  is(what: "up" | "down", bucket: string): void;
  isUp(bucket: string): boolean;
  /** What a user uploads. Rejects where the storage does not answer. */
  put(bucket: string, key: string, text: string): void;
  keys(bucket: string): readonly string[];
  /** Whether a bucket gives an object out now. */
  has(bucket: string, key: string): boolean;
  close(): Promise<void>;
}

const OBJECTS = 60;
const COPY_SECONDS = 5;

export async function createMedia(): Promise<Media> {
  const s3 = await createS3();
  const { store, faults } = s3;
  const minio = store.add(MEDIA, MEDIA_REGION);
  const copy = store.add(MEDIA_BACKUP, MEDIA_BACKUP_REGION);
  const made = store.add(MEDIA_NEW, MEDIA_NEW_REGION);
  const bucketOf = (name: string) => {
    const bucket = store.buckets.get(name);
    if (bucket === undefined) throw new TypeError(`There is no bucket ${name}.`);
    return bucket;
  };
  minio.rules.push({ id: "to-s3", destination: MEDIA_BACKUP, prefix: "media/", seconds: COPY_SECONDS, enabled: true });
  const media: Media = {
    s3,
    async reset() {
      for (const region of [MEDIA_REGION, MEDIA_BACKUP_REGION]) faults.up(region);
      for (const bucket of [minio, copy, made]) bucket.objects.clear();
      faults.down(MEDIA_NEW_REGION);
      for (let n = 0; n < OBJECTS; n++) store.put(MEDIA, `media/${n}.jpg`, `picture ${n}`);
      await soon("every object being copied", async () =>
        [...minio.objects.values()].every(({ replication }) => replication === "COMPLETED"),
      );
    },
    clear(name) {
      bucketOf(name).objects.clear();
    },
    is: (what, name) => faults[what](bucketOf(name).region),
    isUp: (name) => !faults.isDown(bucketOf(name).region),
    put(name, key, text) {
      if (!media.isUp(name)) throw new Error(`${name} does not answer`);
      store.put(name, key, text);
    },
    keys: (name) =>
      [...(store.buckets.get(name)?.objects.keys() ?? [])].filter((key) => !key.startsWith(".lifeboat/")).sort(),
    has(name, key) {
      const bucket = store.buckets.get(name);
      return bucket !== undefined && !faults.isDown(bucket.region) && bucket.objects.has(key);
    },
    close: () => s3.close(),
  };
  await media.reset();
  return media;
}
