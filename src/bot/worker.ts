/** Works by itself from its start to its stop, beside others. */
export interface Worker {
  start(): void;
  /** Takes nothing more, and resolves when what is under way has ended or was left to other bots. */
  stop(): Promise<void>;
}
