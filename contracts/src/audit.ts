import * as z from 'zod'
import type { CallName } from './calls.ts'
import { type FieldChange, fieldChanges } from './field-changes.ts'
import { nameField, timeField } from './fields.ts'
import { HTTP_ROUTES, ROLES } from './http-routes.ts'
import { LIMITS } from './limits.ts'

/** One change as it is kept: who, from where, what, and what came of it. */
const auditEntrySchema = z.object({
  /** Unique: an entry is delivered more than once. */
  id: z.string(),
  at: timeField,
  /** The call, such as `jobs.put`. */
  action: z.string(),
  /** Who made it, as that party names itself. */
  by: z.string().exactOptional(),
  /** The account or token, as `user/<id>` or `token/<id>`, which a gateway has verified. Absent: it came over NATS. */
  account: z.string().exactOptional(),
  via: z.enum(['nats', 'http']),
  address: z.string().exactOptional(),
  requestId: z.string().exactOptional(),
  /** The name or id of what was changed. */
  resource: z.string().exactOptional(),
  /** What was requested, without payloads and secrets. */
  input: z.record(z.string(), z.unknown()),
  /** Fields before and after; payloads are `hidden`. Absent where the service cannot read the resource back. */
  changes: z
    .array(
      z.object({
        field: z.string(),
        from: z.unknown().exactOptional(),
        to: z.unknown().exactOptional(),
        hidden: z.literal(true).exactOptional(),
      }),
    )
    .readonly()
    .exactOptional(),
  /** `done`, or the code of the refusal. */
  outcome: z.string(),
})
export type AuditEntry = Readonly<z.output<typeof auditEntrySchema>>

/** Body of `event.audit.<noun>.<verb>`: the entries of one turn of a service. */
export const auditEventSchema = z.object({ entries: z.array(auditEntrySchema).readonly() })

/** What a gateway says of a request that it passes on, in header `Carillon-Account`. */
export const auditOriginSchema = z.object({
  account: z.string().max(200),
  address: z.string().max(100).exactOptional(),
  requestId: z.string().max(100).exactOptional(),
  /** The roles of the account in the namespace, and its roles of approvals. Only of calls that decide by them. */
  roles: z
    .array(nameField)
    .max(ROLES.length + 2 * LIMITS.memberApprovals)
    .readonly()
    .exactOptional(),
})
export type AuditOrigin = Readonly<z.output<typeof auditOriginSchema>>

/**
 * Calls that change something and leave no entry of their own. A run keeps who started it, a signal who sent it; what executors do is part of
 * the run or of their presence.
 */
const NOT_AUDITED: readonly CallName[] = [
  'jobsRun',
  'runsStart',
  'runsSignal',
  'tasksClaim',
  'tasksMap',
  'tasksRun',
  'tasksResults',
  'tasksStep',
  'tasksJournal',
  'tasksNext',
  'tasksData',
  'tasksMemory',
  'instancesRegister',
  'instancesLeave',
]

/** Whether a call leaves an entry in the audit log. What a viewer may do changes nothing, whatever its method is. */
export const isAudited = (name: CallName): boolean => HTTP_ROUTES[name].role !== 'viewer' && !NOT_AUDITED.includes(name)

/** Fields with what users keep or must not read, at any depth. */
const HIDDEN =
  /^(payload|data|result|items?|ics|body|headers|secrets?|password|token|url|webhook|robot|key|hashKey|fields|arguments|previous)$/
/** Change with every write, or by themselves. */
const VOLATILE = /^(updatedAt|createdAt|revision|by|stats|nextSlotAt|lastRunId|wakeAt|awaits|warnings)(\.|$)/
const VALUE_LENGTH = 1_000
const CHANGES = 100

const withoutHidden = (name: string, value: unknown): unknown => (name !== '' && HIDDEN.test(name) ? undefined : value)

/** What may be kept of a request. */
export function auditInput(input: unknown): Record<string, unknown> {
  const kept = JSON.stringify(input, withoutHidden) ?? '{}'
  if (kept.length > VALUE_LENGTH) return { omitted: `${kept.length} characters` }
  return JSON.parse(kept) as Record<string, unknown>
}

/** The fields that a call has changed of a resource, as far as they may be kept. */
export function auditChanges(before: object | undefined, after: object | undefined): NonNullable<AuditEntry['changes']> {
  return fieldChanges(before ?? {}, after ?? {})
    .filter(({ field }) => !VOLATILE.test(field))
    .slice(0, CHANGES)
    .map((change) =>
      change.field.split('.').some((part) => HIDDEN.test(part)) ? { field: change.field, hidden: true } : shortened(change),
    )
}

function shortened({ field, from, to }: FieldChange): { field: string; from?: unknown; to?: unknown } {
  return { field, ...(from === undefined ? {} : { from: short(from) }), ...(to === undefined ? {} : { to: short(to) }) }
}

/** A value without what is hidden within it, such as the payload of a node of a workflow. */
function short(value: unknown): unknown {
  const text = JSON.stringify(value, withoutHidden) ?? ''
  return text.length <= VALUE_LENGTH ? JSON.parse(text || 'null') : `${text.slice(0, VALUE_LENGTH)}…`
}

/** The name or id of what a call is about: the fields of its path. */
export function auditResource(name: CallName, input: object): string | undefined {
  const fields = [...HTTP_ROUTES[name].path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => (input as Record<string, unknown>)[field])
  return fields.length === 0 ? undefined : fields.join('/')
}
