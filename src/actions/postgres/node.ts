import { z } from "zod";

/** One PostgreSQL server as a runbook names it. The password is never here: `passwordFrom` names the secret. */
export const nodeInput = z.strictObject({
  /** What people call it: `orders-a`. */
  name: z.string().min(1).max(63),
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535).default(5432),
  database: z.string().min(1).default("postgres"),
  user: z.string().min(1),
  passwordFrom: z.string().min(1),
  /** `verify`: TLS with a trusted certificate; `encrypt`: TLS with any; `off`. Left out: off on loopback, else verify. */
  tls: z.enum(["verify", "encrypt", "off"]).optional(),
  /**
   * Who it has to be: `select system_identifier from pg_control_system()`, the same on every server of one cluster. Asked in every
   * session before anything else; where another cluster answers, nothing is read or changed and the step is blocked.
   */
  systemIdentifier: z
    .string()
    .regex(/^[0-9]{1,20}$/)
    .optional(),
});
export type Node = z.infer<typeof nodeInput>;

/** A login other than the node's own: the application's, for probes that must see what the application sees. */
export const loginInput = z.strictObject({
  user: z.string().min(1),
  passwordFrom: z.string().min(1),
  database: z.string().min(1).optional(),
});
export type Login = z.infer<typeof loginInput>;

export function asLogin(node: Node, login: Login): Node {
  return {
    ...node,
    user: login.user,
    passwordFrom: login.passwordFrom,
    ...(login.database ? { database: login.database } : {}),
  };
}

export function addressOf(node: Node): string {
  return `${node.host}:${node.port}`;
}

/** Replication, fencing and promotion take the whole server, so its databases do not tell resources apart. */
export function resourceOf(node: Node): string {
  return `postgres:${node.host.toLowerCase()}:${node.port}`;
}
