import * as z from 'zod'
import { nameField, runIdField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { retryViewSchema } from './retry.ts'
import { failureSchema, reasonField, stateField } from './run.ts'

/** The retry of a call that the mesh has given up: kept for a year, or until a person decides about it. */
export const deadLetterSchema = z.object({
  /** That of the run. */
  id: z.string(),
  scene: z.string(),
  key: z.string().exactOptional(),
  /** How the run has ended. */
  state: stateField,
  reason: reasonField.exactOptional(),
  failure: failureSchema.exactOptional(),
  /** Of the mesh, the last one included. */
  attempts: z.int(),
  requestedAt: timeField,
  /** When it was given up. */
  at: timeField,
  /** The run that tries it again. */
  redrivenAs: z.string().exactOptional(),
  /** Who has requested that, as that party names itself. */
  by: z.string().exactOptional(),
  /** The arguments; not in lists. */
  payload: z.unknown().exactOptional(),
  /** Where it comes from, the tries that failed, and whom it has called back; not in lists. */
  retry: retryViewSchema.exactOptional(),
})
export type DeadLetter = Readonly<z.output<typeof deadLetterSchema>>

export const byLetterSchema = z.strictObject({ id: runIdField })

export const listLettersSchema = z.strictObject({
  scene: nameField.optional(),
  cursor: z.string().max(200).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(50),
})

export const redriveLetterSchema = z.strictObject({
  id: runIdField,
  /** Other arguments, as a list. Default: those of the letter. */
  payload: z.array(z.unknown()).optional(),
})
