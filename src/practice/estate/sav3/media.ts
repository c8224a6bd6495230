import { createS3, type S3 } from "../s3/index.ts";
import { MEDIA, MEDIA_BACKUP, MEDIA_REGION } from "./names.ts";

/** MinIO with the media, and an S3 elsewhere that holds a copy of them. */
export interface Media {
  readonly minio: S3;
  readonly elsewhere: S3;
  /** Both hold every object. */
  reset(): void;
  /** MinIO is empty: its disks were replaced. */
  lose(): void;
  keys(which: "minio" | "elsewhere"): readonly string[];
  /** Whether a bucket at an address gives an object out. */
  has(bucket: string, endpoint: string, key: string): boolean;
  close(): Promise<void>;
}

const OBJECTS = 60;

export async function createMedia(): Promise<Media> {
  const [minio, elsewhere] = await Promise.all([createS3(), createS3()]);
  minio.store.add(MEDIA, MEDIA_REGION);
  elsewhere.store.add(MEDIA_BACKUP, MEDIA_REGION);
  const sides = [
    { s3: minio, bucket: MEDIA },
    { s3: elsewhere, bucket: MEDIA_BACKUP },
  ];
  const media: Media = {
    minio,
    elsewhere,
    reset() {
      for (const { s3, bucket } of sides) {
        s3.weather.up(MEDIA_REGION);
        s3.store.buckets.get(bucket)?.objects.clear();
        for (let n = 0; n < OBJECTS; n++) s3.store.put(bucket, `media/${n}.jpg`, `picture ${n}`);
      }
    },
    lose() {
      minio.store.buckets.get(MEDIA)?.objects.clear();
    },
    keys(which) {
      const [name, s3] = which === "minio" ? [MEDIA, minio] : [MEDIA_BACKUP, elsewhere];
      return [...(s3.store.buckets.get(name)?.objects.keys() ?? [])].filter((key) => !key.startsWith(".lifeboat/"));
    },
    has(bucket, endpoint, key) {
      const side = sides.find((one) => one.bucket === bucket && one.s3.url === endpoint);
      if (side === undefined || side.s3.weather.isDown(MEDIA_REGION)) return false;
      return side.s3.store.buckets.get(bucket)?.objects.has(key) ?? false;
    },
    async close() {
      await Promise.all([minio.close(), elsewhere.close()]);
    },
  };
  media.reset();
  return media;
}
