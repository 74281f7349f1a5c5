import * as z from 'zod'
import { nameField, taskIdField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { failureSchema, stateField } from './run.ts'

/** A running task starts a child run, or asks how it is. It is idempotent by the key, also in a later attempt. */
export const childRunSchema = z.strictObject({
  taskId: taskIdField,
  attempt: z.int().min(1),
  instance: nameField,
  /** Identifies the child run within its task: the same in every attempt. */
  key: z.string().min(1).max(LIMITS.keyLength),
  /** Of a step: its index. A restart from a step before it starts another child run. */
  step: z.int().min(0).max(LIMITS.steps).optional(),
  /** It outlives its parent: nothing waits for it, and no cancel or pause of the parent reaches it. The answer is how it is. */
  detached: z.boolean().optional(),
  /** As of jobs.run, without `key` and `id`. */
  run: z.unknown(),
})
export type ChildRunCall = z.output<typeof childRunSchema>

/** How a child run is. */
export const childRunViewSchema = z.object({
  runId: z.string(),
  state: stateField,
  /** Of one that has succeeded. */
  result: z.unknown().exactOptional(),
  failure: failureSchema.exactOptional(),
})
export type ChildRunView = Readonly<z.output<typeof childRunViewSchema>>
