import type { Call, CallInput, CallOutput, LogView, RunEndedEvent } from '@carillon/contracts'

/** What the commands need of a connection to the mesh. What is subscribed to is heard from the next call on: the broker keeps the order. */
export interface Client {
  /** @throws CarillonError of the service, or NATS_UNAVAILABLE, NO_SERVICE, CALL_TIMEOUT */
  call<C extends Call>(call: C, input: CallInput<C>): Promise<CallOutput<C>>
  /** Hears that something happened to a run that goes on; what, the run itself says. Answers how to end it. */
  onRunChange(runId: string, heard: () => void): () => void
  /** Hears the terminal event of a run. Answers how to end it. */
  onRunEnd(runId: string, heard: (event: RunEndedEvent) => void): () => void
  /** Hears the log lines of a run as they are published. Answers how to end it. */
  onLogs(runId: string, heard: (line: LogView) => void): () => void
  close(): Promise<void>
}
