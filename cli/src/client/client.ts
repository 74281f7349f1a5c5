import type { Call, CallInput, CallOutput, LogView, RunEndedEvent } from '@carillon/contracts'

/** What the commands need of a connection to the mesh. A subscription is active before the next call: the broker keeps the order. */
export interface Client {
  /** @throws CarillonError of the service, or NATS_UNAVAILABLE, NO_SERVICE, CALL_TIMEOUT */
  call<C extends Call>(call: C, input: CallInput<C>): Promise<CallOutput<C>>
  /** Subscribes to changes of a run that goes on; the run is then read. Answers a function that ends it. */
  onRunChange(runId: string, heard: () => void): () => void
  /** Subscribes to the terminal event of a run. Answers a function that ends it. */
  onRunEnd(runId: string, heard: (event: RunEndedEvent) => void): () => void
  /** Subscribes to the log lines of a run as they are published. Answers a function that ends it. */
  onLogs(runId: string, heard: (line: LogView) => void): () => void
  close(): Promise<void>
}
