import * as z from 'zod'
import { refusalSchema } from './answers.ts'
import { auditEventSchema } from './audit.ts'
import { calendarViewSchema } from './calendar.ts'
import { deadLetterSchema } from './dead-letter.ts'
import { incidentEventSchema } from './incident.ts'
import { beatSchema, presenceSchema } from './instance.ts'
import { jobViewSchema } from './job.ts'
import { logMessageSchema } from './log.ts'
import {
  aliveSchema,
  assignmentAnswerSchema,
  assignmentSchema,
  controlSchema,
  hungSchema,
  instanceEventSchema,
  liveGateSchema,
  liveJobSchema,
  liveRunSchema,
  liveTaskSchema,
  offerAnswerSchema,
  rejectedSchema,
  reportSchema,
  runEndedSchema,
  workSchema,
} from './messages.ts'

/** A message that is no call: who publishes it where, and what its body is. */
export interface Message {
  /** After `carillon.<namespace>.`; of an answer that of its request. */
  readonly subject: string
  readonly from: 'executor' | 'services'
  readonly description: string
  readonly schema: z.ZodType
}

const name = z.object({ name: z.string() })

/** Every message of the wire beside the calls of `CALLS`. docs/schemas derives from this table. */
export const MESSAGES = {
  work: { subject: 'work.<handler>.<priority>.<runId>', from: 'services', schema: workSchema, description: 'A task, and its offer' },
  'offer-answer': { subject: 'direct.<instance>', from: 'executor', schema: offerAnswerSchema, description: 'The answer to an offer' },
  assignment: {
    subject: 'direct.<instance>',
    from: 'services',
    schema: assignmentSchema,
    description: 'Tasks that are assigned to an instance',
  },
  'assignment-answer': {
    subject: 'direct.<instance>',
    from: 'executor',
    schema: assignmentAnswerSchema,
    description: 'The answer to an assignment',
  },
  report: {
    subject: 'report.<instance>',
    from: 'executor',
    schema: z.union([reportSchema, z.array(reportSchema)]),
    description: 'What became of tasks: one report, or several',
  },
  log: { subject: 'log.<runId>', from: 'executor', schema: logMessageSchema, description: 'Log lines of a task' },
  beat: { subject: 'beat.<instance>', from: 'executor', schema: beatSchema, description: 'A heartbeat' },
  control: { subject: 'control.<instance>', from: 'services', schema: controlSchema, description: 'An order' },
  hung: {
    subject: 'hung.<instance>',
    from: 'services',
    schema: hungSchema,
    description: 'Nothing has come of the tasks of an instance for too long',
  },
  alive: {
    subject: 'session.<instance>.<session>',
    from: 'executor',
    schema: aliveSchema,
    description: 'The answer of a process that lives',
  },
  'event.run': { subject: 'event.run.<runId>.<state>', from: 'services', schema: runEndedSchema, description: 'A run ended' },
  'event.job': {
    subject: 'event.job.<name>.<what>',
    from: 'services',
    schema: z.union([jobViewSchema, name]),
    description: 'A job changed; of one that was removed or has finished its name',
  },
  'event.calendar': {
    subject: 'event.calendar.<name>.<what>',
    from: 'services',
    schema: z.union([calendarViewSchema, name]),
    description: 'A calendar changed, without its days; of one that was removed its name',
  },
  'event.instance': {
    subject: 'event.instance.<instance>.<what>',
    from: 'services',
    schema: instanceEventSchema,
    description: 'An instance came, went or changed',
  },
  'event.deadLetter': {
    subject: 'event.deadLetter.<runId>.<what>',
    from: 'services',
    schema: z.union([deadLetterSchema, z.object({ id: z.string() })]),
    description: 'A retry was given up, or someone has decided about it; without its arguments, of one that is gone its id',
  },
  'event.audit': {
    subject: 'event.audit.<noun>.<verb>',
    from: 'services',
    schema: auditEventSchema,
    description: 'Who has changed something, or was refused to, and how',
  },
  'event.incident': {
    subject: 'event.incident.<id>.<what>',
    from: 'services',
    schema: incidentEventSchema,
    description: 'An incident was opened, acknowledged or snoozed, or has recovered',
  },
  'event.message': {
    subject: 'event.message.<stream>.rejected',
    from: 'services',
    schema: rejectedSchema,
    description: 'A message was rejected',
  },
  'live.run': { subject: 'live.run.<runId>.<what>', from: 'services', schema: liveRunSchema, description: 'A run moved' },
  'live.task': {
    subject: 'live.task.<runId>.changed',
    from: 'services',
    schema: liveTaskSchema,
    description: 'Tasks of a fan-out run moved',
  },
  'live.job': {
    subject: 'live.job.<name>.changed',
    from: 'services',
    schema: liveJobSchema,
    description: 'A job changed',
  },
  'live.calendar': {
    subject: 'live.calendar.<name>.changed',
    from: 'services',
    schema: name.extend({ what: z.string() }),
    description: 'A calendar changed',
  },
  'live.alert': {
    subject: 'live.alert.<name>.changed',
    from: 'services',
    schema: name.extend({ what: z.string() }),
    description: 'An alert rule or a channel changed',
  },
  'live.gate': {
    subject: 'live.gate.<job>.changed',
    from: 'services',
    schema: liveGateSchema,
    description: 'Runs have come to gates of a job, or have left them',
  },
  accounts: {
    subject: 'accounts.changed',
    from: 'services',
    schema: z.object({}),
    description: 'Accounts have changed: gateways read them again. Always in the namespace `default`',
  },
  presence: {
    subject: 'the KV bucket `carillon_presence`',
    from: 'services',
    schema: presenceSchema,
    description: 'A live instance',
  },
  refusal: { subject: 'api.<noun>.<verb>', from: 'services', schema: refusalSchema, description: 'The answer of a call that is refused' },
} as const satisfies Readonly<Record<string, Message>>
