import * as z from 'zod'
import { codedField, nameField, objectField } from './fields.ts'
import { LIMITS } from './limits.ts'
import { HANDLER_KINDS } from './plan.ts'
import { programField } from './program.ts'
import { PROTOCOL_VERSION } from './protocol.ts'
import { recordField } from './record-field.ts'

const handlerFields = {
  name: nameField,
  description: z.string().max(1_000).optional(),
  /** The default mode of its runs. */
  kind: z.enum(HANDLER_KINDS).optional(),
  /** JSON Schema of the payload. */
  inputSchema: objectField('Use an object: a JSON Schema.').optional(),
  /** Which program it is, see docs/STEPS.md. Absent: `<name>@undeclared`. */
  program: programField.optional(),
  /** Other programs whose runs it goes on with, as its developer says. */
  accepts: z.array(programField).max(LIMITS.acceptedPrograms).optional(),
  /** Its steps in order, if it declares them: runs that began with the same ones may be moved to it. */
  steps: z
    .array(z.object({ name: nameField, kind: nameField }))
    .max(LIMITS.declaredSteps)
    .optional(),
}
const instanceFields = {
  instance: nameField,
  /** One life of a process under this name: chosen at random when it starts. A restarted process has another one. */
  session: nameField.optional(),
  service: nameField,
  version: z.string().max(100).default('0.0.0'),
  labels: recordField(z.string().max(100), z.string().max(200)).default({}),
  /** Tasks it runs at once. */
  capacity: z.int().min(1).max(LIMITS.capacity).default(1),
  /** It takes assignments: several tasks in one request on `direct.<instance>`. */
  assignments: z.literal(true).optional(),
}

const protocolField = codedField<number>({
  code: 'PROTOCOL_MISMATCH',
  hint: `This registry speaks protocol ${PROTOCOL_VERSION}: use an executor or a mesh of a version that fits.`,
  accepts: (protocol) => protocol === PROTOCOL_VERSION,
  json: { type: 'integer', const: PROTOCOL_VERSION },
})

/** What an executor declares of itself when it registers. */
export const registerSchema = z.strictObject({
  ...instanceFields,
  /** The version of the protocol that it speaks. */
  protocol: protocolField.default(1),
  handlers: z.array(z.strictObject(handlerFields)).max(LIMITS.handlersPerInstance),
})
export type Registration = z.output<typeof registerSchema>
export type HandlerInfo = Registration['handlers'][number]

/** What an executor sends when it leaves. */
export const leaveSchema = z.strictObject({ instance: nameField, session: nameField.optional() })

/** What an operator said when an instance was cordoned: an entry of the KV bucket, which outlives the instance. */
export const cordonSchema = z.object({
  at: z.string(),
  /** Who cordoned it, as the caller names itself. */
  by: z.string().max(200).exactOptional(),
  note: z.string().max(1_000).exactOptional(),
})
export type Cordon = Readonly<z.output<typeof cordonSchema>>

/** Give an instance no work from now on; it keeps what it runs. */
export const cordonInstanceSchema = z.strictObject({
  instance: nameField,
  note: z.string().max(1_000).optional(),
})
/** `continues`: asks how far a drain is, and cordons nothing: an operator may have uncordoned it meanwhile. */
export const drainInstanceSchema = cordonInstanceSchema.extend({ continues: z.boolean().default(false) })
export const uncordonInstanceSchema = z.strictObject({ instance: nameField })
/** `uncordoned` is false when it was not cordoned. */
export const uncordonedSchema = z.object({ instance: z.string(), uncordoned: z.boolean() })

/** Answer to a registration. */
export const registeredSchema = z.object({
  /** The version of the protocol that the registry speaks. */
  protocol: z.int(),
  /** The durable consumer to pull from, by handler; `high` and `low` are those of other priorities, once there is such work. */
  consumers: z.record(
    z.string(),
    z.object({ stream: z.string(), consumer: z.string(), high: z.string().exactOptional(), low: z.string().exactOptional() }),
  ),
  /**
   * After a restart of the broker: it may have lost the delivery state of messages of stream WORK up to this sequence, so each is claimed
   * before it is run. 0: of none.
   */
  claimUpTo: z.int(),
  beatMs: z.int(),
  lostAfterMs: z.int(),
  /** An operator has cordoned the instance, or nothing comes of its tasks: it takes no work until it receives the order `uncordon`. */
  cordoned: z.literal(true).exactOptional(),
})
export type Registered = Readonly<z.output<typeof registeredSchema>>

export const beatSchema = z.object({
  /** Share of one core, 1 = one core busy. */
  cpu: z.number().min(0).default(0),
  /** Share of `cpuLimit` that the control group of the process uses, 1 = all of it: its other processes count, such as commands that handlers start. */
  groupCpu: z.number().min(0).optional(),
  /** CPUs that the process may use at most: its quota (the least of all groups around it), or those that it may run on. */
  cpuLimit: z.number().min(0).optional(),
  /** Resident memory of the process. */
  memoryBytes: z.number().min(0).default(0),
  /** Memory that counts against `memoryLimitBytes`, without file cache that can be given up: of the group with that limit, or of the machine. */
  groupMemoryBytes: z.number().min(0).optional(),
  /** The least limit of the control groups around the process, or the memory of the machine. */
  memoryLimitBytes: z.number().min(0).optional(),
  /** The longest time since the last beat by which the event loop was late. */
  eventLoopDelayMs: z.number().min(0).default(0),
  /** Slots that are taken, those of stuck handlers included. */
  running: z.number().min(0).default(0),
  /** Handlers that still run although their attempt has ended: they ignored its time limit or a cancel. */
  stuck: z.number().min(0).default(0),
  /** Some of them, those that have been stuck longest first. `forMs`: since the end of the attempt was reported. */
  stuckTasks: z.array(z.object({ taskId: z.string().max(LIMITS.taskIdLength), handler: nameField, forMs: z.number().min(0) })).default([]),
  /** Whether it takes no work because it received the order `cordon`. The registry repeats an order that was lost; absent: it does not say. */
  cordoned: z.boolean().optional(),
  /** While it is cordoned: some of the tasks that it holds, those held longest first. `forMs`: since they came. */
  holds: z.array(z.object({ taskId: z.string().max(LIMITS.taskIdLength), handler: nameField, forMs: z.number().min(0) })).optional(),
  /** How long the main thread has been computing without a pause, when that is longer than a second. */
  blockedMs: z.number().min(0).optional(),
  /**
   * While it holds tasks: for how long nothing has come of any of them, by a monotonic clock: no begin, end, progress, log line or call. That a time limit ended an
   * attempt whose handler still runs is no sign of work. Absent: it holds none, or does not measure it; then it is never hung because of it.
   */
  idleMs: z.number().min(0).optional(),
  /** As registered: distinguishes two processes of one name. */
  session: nameField.optional(),
})
export type Beat = z.output<typeof beatSchema>

/** The presence record of a live instance: a value of the KV bucket. */
export const presenceSchema = z.object({
  ...instanceFields,
  /** As registered; absent from records of earlier versions. */
  protocol: z.int().optional(),
  handlers: z.array(z.object(handlerFields)),
  namespace: z.string(),
  since: z.string(),
  /** Alive, but every slot has been held by a stuck handler for `hungAfterMs`, or nothing has come of its tasks for too long: no work is routed to it. */
  hung: z.boolean().optional(),
  /** It is hung because nothing came of its tasks, which have ended, for so long. It recovers when a beat reports a shorter `idleMs`, or none. */
  hungIdleMs: z.number().optional(),
})
export type Presence = z.output<typeof presenceSchema>

/** An instance as the registry shows it. */
export const instanceViewSchema = presenceSchema.extend({
  handlers: z.array(z.string()).readonly(),
  /** Its handlers that these services offer with different input schemas: a payload that one accepts, another refuses. Absent when there are none. */
  schemaConflicts: z
    .array(z.object({ handler: z.string(), services: z.array(z.string()).readonly() }))
    .readonly()
    .exactOptional(),
  load: beatSchema,
  /** The programs of its handlers that declare one. */
  programs: z.array(z.string()).readonly().exactOptional(),
  /** An operator wants no work to be given to it. */
  cordoned: cordonSchema.exactOptional(),
  /** Milliseconds since its last beat. */
  silentMs: z.number(),
})
export type InstanceView = Readonly<z.output<typeof instanceViewSchema>>

/** `isEmpty`: it is cordoned, says so itself, and holds nothing. */
export const drainedSchema = z.object({ instance: instanceViewSchema, isEmpty: z.boolean() })
export type Drained = Readonly<z.output<typeof drainedSchema>>
