import type { Incoming } from '@carillon/runtime'
import type { RunHead, StepRecord } from '@carillon/store'
import type { WaitingStep } from './signals/rules/waits.ts'

/** Brings signals and what waits for them together. Provided by `signals/`. */
export interface Waits {
  /** A task waits for signals from now on: one may have come while it still ran. */
  asleep(taskId: string): Promise<void>
  /** Tasks of a run that wait for signals take those that are there. @param options.isLast their time is over: also those that were taken for them already count */
  take(run: RunHead, options: { readonly taskIds: readonly string[]; readonly isLast: boolean }): Promise<void>
  /** What became of a step that waits; undefined: it waits on. @param options.isBehind none is taken for it: an earlier step waits for the same */
  outcome(namespace: string, wait: WaitingStep, options?: { readonly isBehind?: boolean | undefined }): Promise<StepRecord | undefined>
}

/** Which roles decide about nodes that wait for an approval. Provided by the mode of workflows. */
export interface Approvers {
  /** A signal has no account, so it decides about no approval that names roles. @throws CarillonError FORBIDDEN where its name is that of such a node */
  checkSignal(run: RunHead, name: string): Promise<void>
}

/** Publishes what nodes of a workflow say. Provided by the mode of workflows. */
export interface NodeMessages {
  /** @throws CarillonError NATS_UNAVAILABLE: those that were not published are tried again */
  publish(run: RunHead, taskIds: readonly string[]): Promise<void>
}

/** Signals that were published as messages, of stream TRIGGERS. Provided by `signals/`. */
export interface SignalBatches {
  /** @throws a transient error: then the batch is redelivered */
  execute(batch: readonly Incoming[]): Promise<void>
}
