import * as z from 'zod'
import { nameField } from './fields.ts'
import { LIMITS } from './limits.ts'

const handlerSchema = z.object({
  name: nameField,
  description: z.string().max(1_000).optional(),
  /** Its runs map, unless they are asked for otherwise. */
  kind: z.enum(['map', 'map-reduce']).optional(),
  /** JSON Schema of the payload. */
  inputSchema: z.record(z.string(), z.unknown()).optional(),
})
export type HandlerInfo = z.output<typeof handlerSchema>

/** What an executor says of itself when it registers (semantics B1). */
export const registerSchema = z.object({
  instance: nameField,
  /** One life of a process under this name: chosen at random when it starts. A process that was restarted says another one. */
  session: nameField.optional(),
  service: nameField,
  version: z.string().max(100).default('0.0.0'),
  handlers: z.array(handlerSchema).max(LIMITS.handlersPerInstance),
  labels: z.record(z.string().max(100), z.string().max(200)).default({}),
  /** Tasks it runs at once. */
  capacity: z.int().min(1).max(LIMITS.capacity).default(1),
})
export type Registration = z.output<typeof registerSchema>

/** Answer to a registration. */
export interface Registered {
  /** The durable consumer to pull from, by handler. */
  readonly consumers: Readonly<Record<string, { stream: string; consumer: string }>>
  /**
   * The broker was restarted: of messages of stream WORK up to this sequence it may have forgotten that they were delivered, so each is claimed
   * before it is run. 0: of none.
   */
  readonly claimUpTo: number
  readonly beatMs: number
  readonly lostAfterMs: number
}

export const beatSchema = z.object({
  /** Share of one core, 1 = one core busy. */
  cpu: z.number().min(0).default(0),
  memoryBytes: z.number().min(0).default(0),
  eventLoopDelayMs: z.number().min(0).default(0),
  /** Slots that are taken, those of stuck handlers included. */
  running: z.number().min(0).default(0),
  /** Handlers that still run although their attempt has ended: they ignored its time limit or a cancel. */
  stuck: z.number().min(0).default(0),
  /** Some of them, those that have been stuck longest first. `forMs`: since the end of the attempt was reported. */
  stuckTasks: z.array(z.object({ taskId: z.string().max(LIMITS.taskIdLength), handler: nameField, forMs: z.number().min(0) })).default([]),
  /** How long the main thread has been computing without a pause, when that is longer than a second. */
  blockedMs: z.number().min(0).optional(),
  /** As registered: tells two processes of one name apart. */
  session: nameField.optional(),
})
export type Beat = z.output<typeof beatSchema>

/** What presence says of a live instance: a value of the KV bucket. */
export const presenceSchema = registerSchema.extend({
  namespace: z.string(),
  since: z.string(),
  /** Alive, but every slot has been held by a stuck handler for `hungAfterMs`: it is given no work (semantics B4). */
  hung: z.boolean().optional(),
})
export type Presence = z.output<typeof presenceSchema>

/** An instance as the registry shows it. */
export interface InstanceView extends Omit<Presence, 'handlers'> {
  readonly handlers: readonly string[]
  readonly load: Beat
  /** Milliseconds since its last beat. */
  readonly silentMs: number
}
