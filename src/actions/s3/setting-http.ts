import { z } from "zod";
import { LifeboatError } from "../../lib/errors.ts";
import type { ReadContext } from "../contract.ts";
import { ask, basicLogin, isSilence, jsonOf } from "../rest.ts";
import { CONTRACTS, insistOn, speaking } from "../versions.ts";
import { type Setting, unreadable } from "./setting-place.ts";

export const httpPlace = z.strictObject({
  kind: z.literal("http"),
  /** `GET` answers the settings as a JSON object, `PUT` takes a whole one. */
  url: z.url({ protocol: /^https?$/ }),
  login: z.strictObject({ user: z.string().min(1), passwordFrom: z.string().min(1) }).optional(),
});
type Place = z.infer<typeof httpPlace>;

/** Settings an application takes over HTTP while it runs. */
export function inHttp(place: Place): Setting {
  const { origin, pathname, search } = new URL(place.url);
  const path = `${pathname}${search}`;
  const target = (ctx: ReadContext, more: Record<string, string> = {}) => ({
    url: origin,
    headers: { ...speaking(CONTRACTS.settings), ...(place.login ? basicLogin(ctx, place.login) : {}), ...more },
  });
  const all = async (ctx: ReadContext) => {
    const answer = await ask(ctx, target(ctx), { path });
    insistOn(CONTRACTS.settings, answer, place.url);
    if (answer.status !== 200) {
      throw new LifeboatError({ code: "setting-refused", where: place.url, what: `It answered ${answer.status}` });
    }
    return jsonOf<Record<string, unknown>>(answer);
  };
  return {
    name: place.url,
    resource: `setting:${place.url}`,
    async read(ctx, keys) {
      try {
        const found = await all(ctx);
        const values = Object.fromEntries(keys.map((key) => [key, typeof found[key] === "string" ? found[key] : null]));
        const says = `${place.url} answers.`;
        const checks = [{ id: "setting.readable", level: "block", ok: true, says }] as const;
        return { values, version: JSON.stringify(found), checks };
      } catch (error) {
        ctx.signal.throwIfAborted();
        if (!(error instanceof LifeboatError) && !isSilence(error)) throw error;
        return { values: {}, version: null, checks: [unreadable(place.url, error)] };
      }
    },
    async write(ctx, seen, values) {
      const found = await all(ctx);
      if (JSON.stringify(found) !== seen.version) return "moved";
      const answer = await ask(ctx, target(ctx), { method: "PUT", path, json: { ...found, ...values } });
      if (answer.status === 409 || answer.status === 412) return "moved";
      if (answer.status >= 200 && answer.status < 300) return "written";
      throw new LifeboatError({
        code: "setting-refused",
        where: place.url,
        what: `It answered ${answer.status}: ${answer.bytes.toString("utf8").slice(0, 200)}`,
      });
    },
  };
}
