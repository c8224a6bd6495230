import { spawn } from "node:child_process";
import { MARKER } from "./processes.ts";

/**
 * Waits for a line before it starts anything, so that who it is can be written down first: where the process that
 * started it dies before that, `read` fails and nothing has happened. Then it starts the program, whose words it is
 * given as they are (`"$@"` is never read as a command line), with three promises the starting process need not be alive for: the
 * program is ended after `$1` seconds, its output never blocks or breaks it (`tee` reads on when no one listens), and
 * what it leaves in the background with its output open holds nothing for longer than a second.
 */
const LAUNCHER = `
read -r go || exit 125
limit=$1 pipe=$2; shift 2
out() { trap '' PIPE TERM; exec tee /dev/null; }
mkfifo -m 600 "$pipe" || exit 125
out <"$pipe" &
reader=$!
exec >"$pipe" 2>&1
rm -f "$pipe"
trap : TERM
trap 'kill -9 0; exit 124' USR1
"$@" </dev/null &
child=$!
( unset ${MARKER}; sleep "$limit"; kill -USR1 $$ ) >/dev/null 2>&1 &
timer=$!
while :; do
  wait "$child"; code=$?
  kill -0 "$child" 2>/dev/null || break
done
exec >/dev/null 2>&1
kill "$timer"
( unset ${MARKER}; sleep 1; kill -9 "$reader" ) &
wait "$reader"
exit "$code"
`;

export interface Launch {
  readonly program: string;
  readonly arguments: readonly string[];
  /** Seconds after which it is ended by the launcher itself. */
  readonly seconds: number;
  /** A name for the pipe its output goes through, in a folder it may write to. */
  readonly pipe: string;
  /** In a process namespace of its own, which ends with it and in which it sees no process but its own. */
  readonly contained: boolean;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** The command that starts it. */
export function launcher(launch: Launch): { readonly program: string; readonly arguments: readonly string[] } {
  const limit = String(Math.ceil(launch.seconds));
  const start = ["/bin/sh", "-c", LAUNCHER, "sh", limit, launch.pipe, launch.program, ...launch.arguments];
  if (!launch.contained) return { program: "/bin/sh", arguments: start.slice(1) };
  const whose = launch.user ? [`--setgid=${launch.user.gid}`, `--setuid=${launch.user.uid}`] : [];
  return { program: "unshare", arguments: [...CONTAINED, ...whose, "--", ...start] };
}

const CONTAINED = ["--pid", "--fork", "--kill-child", "--mount-proc"];

/** How what a child leaves behind is found: all of it, what carries the marker, or only its process group. */
export type Containment = "namespace" | "marker" | "group";

let known: Promise<Containment> | null = null;

/** What this machine allows to this user; asked once. */
export function containment(): Promise<Containment> {
  known ??= tryContainment();
  return known;
}

async function tryContainment(): Promise<Containment> {
  if (await succeeds("unshare", [...CONTAINED, "--", "true"])) return "namespace";
  return process.platform === "linux" ? "marker" : "group";
}

function succeeds(program: string, given: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, given, { stdio: "ignore", timeout: 5000, env: { PATH: "/usr/bin:/bin" } });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}
