import { z } from "zod";
import type { MemberKind } from "../member.ts";
import { bucketInput, nameOf } from "./bucket.ts";
import { holds, settingInput, settingOf, valuesFor } from "./setting.ts";

const input = z.strictObject({
  bucket: bucketInput,
  /** Where the application's setting says which bucket it uses: the same for all members. */
  setting: settingInput,
});

/** Which bucket an application uses, by its setting. Whether a bucket answers makes no difference: a lost one is still in use. */
export const s3SettingMember: MemberKind<z.infer<typeof input>> = {
  kind: "s3-setting",
  input,
  async look(ctx, { bucket, setting }) {
    const wanted = valuesFor(setting, bucket);
    const { name, read } = settingOf(setting);
    const { checks, ...seen } = await read(ctx, Object.keys(wanted), false);
    const unread = checks.find(({ ok }) => !ok);
    if (seen.version === null || unread !== undefined)
      return { state: "unclear", says: unread?.says.replace(/\.$/, "") ?? `${name} cannot be read` };
    const inUse = holds(seen, wanted);
    return {
      state: inUse ? "active" : "standby",
      says: `${name} ${inUse ? "names" : "does not name"} ${nameOf(bucket)}`,
    };
  },
};
