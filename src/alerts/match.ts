import type { Alert, System } from "../catalog/types.ts";
import { type Book, type Heard, saidOf } from "../incident/alerts.ts";
import type { Notice } from "./notice.ts";

export type Matched =
  | { readonly system: System; readonly heard: Heard }
  /** No alert of the catalogue: why, for the one who looks after it. */
  | { readonly system: null; readonly why: string };

/** Either label says which system an alert is about. */
const SYSTEM_LABELS = ["system", "lifeboat_system"] as const;
const LABELS_CHARACTERS = 120;

/**
 * Whose alert this is, by the catalogue alone: its name, the labels the catalogue asks for, and the label that names a system. Two systems that could
 * both be meant are none.
 */
export function matchNotice(notice: Notice, systems: readonly System[], books: readonly Book[]): Matched {
  const named = SYSTEM_LABELS.map((label) => notice.labels[label]).find((value) => value !== undefined);
  const asked = named === undefined ? systems : systems.filter(({ id }) => id === named);
  const found = asked.flatMap((system) =>
    (system.alerts ?? []).filter((alert) => isCalled(alert, notice)).map((alert) => ({ system, alert })),
  );
  const best = mostSpecific(found);
  const [first] = best;
  if (first !== undefined && best.length === 1) return { system: first.system, heard: heardOf(notice, first, books) };
  if (best.length > 1) {
    const ids = best.map(({ system, alert }) => `${system.id}/${alert.id}`).join(", ");
    return { system: null, why: `it could be ${ids}: give it a label "system", or match: in the catalogue` };
  }
  const [only] = asked;
  if (named !== undefined && only?.otherAlerts !== undefined)
    return { system: only, heard: otherOf(notice, only.otherAlerts) };
  if (named !== undefined && only === undefined)
    return { system: null, why: `there is no system ${named.slice(0, 60)}` };
  return { system: null, why: "no system of the catalogue has an alert of this name" };
}

function isCalled({ id, names = [], match = {} }: Alert, { name, labels }: Notice): boolean {
  if (id !== name && !names.includes(name)) return false;
  return Object.entries(match).every(([label, value]) => labels[label] === value);
}

interface Found {
  readonly system: System;
  readonly alert: Alert;
}

/** Where several fit, those that ask for the most labels. */
function mostSpecific(found: readonly Found[]): readonly Found[] {
  const asks = ({ alert }: Found) => Object.keys(alert.match ?? {}).length;
  const most = Math.max(0, ...found.map(asks));
  return found.filter((one) => asks(one) === most);
}

function heardOf(notice: Notice, { system, alert }: Found, books: readonly Book[]): Heard {
  return { ...said(notice), ...saidOf(system.id, alert, books) };
}

function otherOf(notice: Notice, { severity, component }: NonNullable<System["otherAlerts"]>): Heard {
  const name = notice.name.slice(0, 100);
  return { ...said(notice), alert: name, title: `Alert ${name}`, severity, component, runbook: null };
}

function said(
  notice: Notice,
): Pick<Heard, "sender" | "status" | "instance" | "labels" | "summary" | "link" | "startedAt" | "receivedAt"> {
  const { sender, status, fingerprint: instance, summary, link, startedAt, receivedAt } = notice;
  return { sender, status, instance, labels: labelsOf(notice), summary, link, startedAt, receivedAt };
}

/** What tells instances apart, on one line. */
function labelsOf({ labels }: Notice): string {
  return Object.entries(labels)
    .filter(([label]) => label !== "alertname" && !SYSTEM_LABELS.includes(label as "system"))
    .map(([label, value]) => `${label}=${value}`)
    .join(" ")
    .slice(0, LABELS_CHARACTERS);
}
