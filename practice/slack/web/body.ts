import type { IncomingMessage } from "node:http";
import { limits } from "../limits.ts";
import type { Json } from "../objects.ts";
import { SlackRefusal } from "../refusal.ts";

/** Arguments that are JSON inside a form field. */
const NESTED = [
  "attachments",
  "blocks",
  "changes",
  "document_content",
  "files",
  "metadata",
  "unfurls",
  "users",
  "view",
  "channels",
];

/** The whole body, or `request_too_large`. */
export async function bytesOf(request: IncomingMessage, most: number = limits.bodyBytes): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > most) throw new SlackRefusal("request_too_large");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Arguments from a JSON, form or multipart body, and from the query. */
export function decode(body: Buffer, type: string, query: URLSearchParams): Json | Promise<Json> {
  const fromQuery = Object.fromEntries(query);
  if (body.length === 0) return nested(fromQuery);
  if (type.includes("application/json")) return { ...fromQuery, ...json(body) };
  if (type.includes("multipart/form-data"))
    return partsOf(body, type).then((parts) => nested({ ...fromQuery, ...Object.fromEntries(parts) }));
  return nested({ ...fromQuery, ...Object.fromEntries(new URLSearchParams(body.toString("utf8"))) });
}

export async function partsOf(body: Buffer, type: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  } catch {
    throw new SlackRefusal("invalid_form_data");
  }
}

function json(body: Buffer): Json {
  try {
    const value = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new SlackRefusal("invalid_json");
}

function nested(fields: Json): Json {
  for (const name of NESTED) {
    const value = fields[name];
    if (typeof value !== "string" || !/^\s*[[{]/.test(value)) continue;
    try {
      fields[name] = JSON.parse(value);
    } catch {
      throw new SlackRefusal(
        name === "blocks"
          ? "invalid_blocks_format"
          : name === "metadata"
            ? "invalid_metadata_format"
            : "invalid_arguments",
      );
    }
  }
  return fields;
}
