import * as z from 'zod'
import { ALERT_SCENES } from './alert-scenes.ts'
import { codedField, nameField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'

export const INCIDENT_STATES = ['open', 'recovered'] as const
export type IncidentState = (typeof INCIDENT_STATES)[number]

/** What is said to a channel about an incident. */
const TRANSITIONS = ['opened', 'reminder', 'recovered'] as const
export type Transition = (typeof TRANSITIONS)[number]

/** A sentence as a code and its values, for languages other than English. Codes of newer versions are to be expected. */
const phraseSchema = z.object({ code: z.string(), values: z.record(z.string(), z.string()).readonly() }).readonly()
export type IncidentPhrase = z.output<typeof phraseSchema>

const exampleSchema = z.object({
  at: timeField,
  /** What happened, in English words, without what only those may read who may read payloads. */
  what: z.string(),
  phrase: phraseSchema.exactOptional(),
  runId: z.string().exactOptional(),
  instance: z.string().exactOptional(),
  node: z.string().exactOptional(),
  /** The error's text. */
  error: z.string().exactOptional(),
})
export type IncidentExample = Readonly<z.output<typeof exampleSchema>>

const deliverySchema = z.object({
  /** The receiver knows a repetition by it. */
  id: z.string(),
  channel: z.string(),
  /** Of reminders their number. */
  transition: z.enum(TRANSITIONS),
  /** `waiting`: it is tried again; `refused`: the receiver will not take it, or took it for too long. */
  state: z.enum(['waiting', 'sent', 'refused']),
  tries: z.int(),
  answer: z.string().exactOptional(),
  nextTryAt: timeField.exactOptional(),
  sentAt: timeField.exactOptional(),
})
export type IncidentDelivery = Readonly<z.output<typeof deliverySchema>>

/** What a rule found: open until it is over. One of a rule and a cause is open at a time. */
export const incidentViewSchema = z.object({
  id: z.string(),
  rule: z.string(),
  scene: z.enum(ALERT_SCENES),
  /** What it is about: `job`, `handler` or `service`, and the name; of a rule with one incident for all `all`. */
  cause: z.object({ kind: z.enum(['job', 'handler', 'service', 'all']), name: z.string() }).readonly(),
  state: z.enum(INCIDENT_STATES),
  /** In one sentence. */
  summary: z.string(),
  /** How often it happened since it opened, what opened it included. */
  count: z.int(),
  /** The first ones. */
  examples: z.array(exampleSchema).readonly(),
  /** How many there are beside these examples. */
  more: z.int(),
  openedAt: timeField,
  lastAt: timeField,
  recoveredAt: timeField.exactOptional(),
  /** Why it is over, in English words. */
  recovery: z.string().exactOptional(),
  recoveryPhrase: phraseSchema.exactOptional(),
  /** Someone takes care of it: no reminders. */
  acknowledged: z.object({ at: timeField, by: z.string(), note: z.string().exactOptional() }).readonly().exactOptional(),
  /** No reminders until then. */
  snoozedUntil: timeField.exactOptional(),
  /** What was sent about it; not in lists and events. */
  deliveries: z.array(deliverySchema).readonly().exactOptional(),
})
export type IncidentView = Readonly<z.output<typeof incidentViewSchema>>

const ID = /^i[0-9a-z]{25}-\d{6}$/
const idField = codedField<string>({
  code: 'INVALID_REQUEST',
  hint: 'Use the id of an incident as a list shows it.',
  accepts: (value) => typeof value === 'string' && ID.test(value),
  json: { type: 'string', pattern: ID.source },
})

export const byIncidentSchema = z.strictObject({ id: idField })
export const listIncidentsSchema = z.strictObject({
  state: z.enum(INCIDENT_STATES).optional(),
  rule: nameField.optional(),
  cursor: z.string().max(300).optional(),
  limit: z.int().min(1).max(LIMITS.pageSize).default(50),
})
export type ListIncidents = z.output<typeof listIncidentsSchema>
export const acknowledgeIncidentSchema = z.strictObject({ id: idField, note: z.string().max(LIMITS.noteLength).optional() })
export const snoozeIncidentSchema = z.strictObject({
  id: idField,
  /** Default: an hour. 0: not any more. */
  forMs: z.int('Use whole milliseconds from 0 to 30 days.').min(0).max(2_592_000_000).default(3_600_000),
})

/** Body of `event.incident.<id>.<what>`. */
export const incidentEventSchema = incidentViewSchema.omit({ deliveries: true })
