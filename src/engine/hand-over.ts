import type { NewEvent } from "../incident/events.ts";
import type { StepState } from "../incident/state.ts";
import type { RunEventWriter } from "./run-event-writer.ts";

type Running = Extract<StepState, { status: "running" }>;

/** Writes for each step in progress that this process stops, and what becomes of the step. */
export async function handOver(writer: RunEventWriter): Promise<void> {
  const { run, epoch } = writer.lease;
  await writer.write((state) => {
    const steps = [...state.steps.values()].filter(
      (step): step is StepState & Running => step.status === "running" && step.epoch === epoch,
    );
    if (steps.length === 0) return null;
    return {
      events: steps.map((step) => {
        const data = { step: step.step.id, attempt: step.attempts, says: sayHandOver(step) };
        const key = `${run}/handed-over/${step.step.id}/${step.attempts}/${epoch}`;
        return { type: "step.progressed", data, key, run, actor: { kind: "bot" } } as unknown as NewEvent;
      }),
    };
  });
}

function sayHandOver({ process, reached }: StepState & Running): string {
  if (process && reached === "intended")
    return `Handed over: this Lifeboat is stopping, process ${process.pid} on ${process.host} runs on. The next Lifeboat waits for its end, then looks`;
  return "Handed over: this Lifeboat is stopping. The next one looks how far this step got, and goes on from there";
}
