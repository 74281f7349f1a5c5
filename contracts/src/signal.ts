import * as z from 'zod'
import { durationField, nameField, runIdField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'

const DAYS = LIMITS.signalTtlMaxMs / 86_400_000
/** A message to a run, which may not have been started yet. */
export const signalRunSchema = z.strictObject({
  runId: runIdField,
  /** What the run waits for. */
  name: nameField,
  /** JSON; null by default. */
  payload: z.unknown().optional(),
  /** Its message id: of several with the same one for a run and a name the first counts. */
  id: z.string().min(1).max(LIMITS.keyLength).optional(),
  /** How long it is kept when nothing takes it. Default: 7 days. While its run is open it is kept in any case. */
  ttlMs: durationField.refine((ms) => ms > 0 && ms <= LIMITS.signalTtlMaxMs, { error: `Use milliseconds up to ${DAYS} days.` }).optional(),
})

/**
 * `taken`: the run goes on with it. `kept`: the run is there, and does not wait for it yet. `unclaimed`: there is no such run so far.
 */
export const SIGNAL_STATES = ['taken', 'kept', 'unclaimed'] as const
const stateField = z.enum(SIGNAL_STATES)

export const signalSentSchema = z.object({
  runId: z.string(),
  name: z.string(),
  signalId: z.string(),
  /** False: one with its message id was there already. */
  created: z.boolean(),
  state: stateField,
})
export type SignalSent = Readonly<z.output<typeof signalSentSchema>>

/** Someone decides about a node of a workflow that waits for an approval. */
export const decideNodeSchema = z.strictObject({
  runId: runIdField,
  node: nameField,
  /** Which time of the node is meant, as the tree of the run shows it, if it has been run again. Default: the current one. */
  generation: z.int().min(1).optional(),
  note: z.string().max(LIMITS.noteLength).optional(),
})

/** A signal with the name of a node that waits for an approval: what its payload may say. `null` approves, too. */
export const approvalSignalSchema = z
  .strictObject({
    /** Default: `approved`. */
    decision: z.enum(['approved', 'rejected']).optional(),
    /** Who decides. Default: who the signal is from. */
    by: z
      .string()
      .min(1)
      .max(LIMITS.byLength)
      .regex(/^\P{Cc}*$/u, 'has control characters')
      .optional(),
    note: z.string().max(LIMITS.noteLength).optional(),
  })
  .nullable()

/** How an approval was decided, and who did. */
export const nodeDecidedSchema = z.object({
  runId: z.string(),
  node: z.string(),
  generation: z.int(),
  decision: z.enum(['approved', 'rejected']),
  by: z.string().exactOptional(),
  note: z.string().exactOptional(),
  at: timeField,
  /** It had been decided so before, by whom this names. */
  already: z.boolean(),
})
export type NodeDecided = Readonly<z.output<typeof nodeDecidedSchema>>

export const listSignalsSchema = z.strictObject({
  runId: runIdField,
  cursor: z.string().max(300).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(100),
})

/** A signal, as services show it. */
export const signalViewSchema = z.object({
  signalId: z.string(),
  runId: z.string(),
  name: z.string(),
  state: stateField,
  payload: z.unknown(),
  by: z.string().exactOptional(),
  at: timeField,
  /** The task that has taken it. */
  takenBy: z.string().exactOptional(),
  /** Of one that nothing has taken: when it is removed, unless its run is open then. */
  expiresAt: timeField.exactOptional(),
})
export type SignalView = Readonly<z.output<typeof signalViewSchema>>
