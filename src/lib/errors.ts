/**
 * The one shape of everything that can go wrong and is told to a person.
 *
 * A sentence for each part, in this order: where, what, what is allowed, what to do next; and, inside a run, the state
 * things are in now ("nothing was changed" is a state worth saying).
 */
export interface Problem {
  /** Stable, kebab-case, for tests and searches: `gate-requester`, `plan-changed`. */
  readonly code: string;
  readonly what: string;
  readonly where?: string;
  readonly allowed?: string;
  readonly next?: string;
  /** The state things are in now; required for anything that happens inside a run. */
  readonly stateNow?: string;
}

export class LifeboatError extends Error {
  override readonly name = "LifeboatError";
  readonly problem: Problem;

  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(sayProblem(problem), options);
    this.problem = problem;
  }
}

/** A problem as running text: what screen readers, the command line and logs show. */
export function sayProblem(problem: Problem): string {
  const head = problem.where ? `${endOfPlace(problem.where)} ${problem.what}` : problem.what;
  return [head, problem.allowed, problem.stateNow, problem.next]
    .filter((part): part is string => part !== undefined && part !== "")
    .map(endWithStop)
    .join(" ");
}

/** "The practice clock:", and "Move writes to orders-b?", which is a question already. */
export function endOfPlace(where: string): string {
  return /[?!.…]$/.test(where) ? where : `${where}:`;
}

/** What an unknown thrown value says, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function endWithStop(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}
