import {
  CALLS,
  type CallName,
  type CallNameOf,
  type CallOutput,
  type CallRequest,
  type SERVICE_CONSUMERS,
  type ServiceName,
} from '@carillon/contracts'
import type { Incoming } from '../nats/incoming.ts'
import type { Request } from '../nats/request.ts'

/** Answers a call: input and answer are those of its row in `CALLS`. It receives the checked input. */
export type Answer<Name extends CallName> = (
  request: Request<CallRequest<(typeof CALLS)[Name]>>,
) => CallOutput<(typeof CALLS)[Name]> | Promise<CallOutput<(typeof CALLS)[Name]>>

/** A signal: an unstored message, read or rejected. */
export interface Signal {
  readonly namespace: string
  readonly tokens: readonly string[]
  readonly body: unknown
}

/** The edge of a room: some calls of its service, and the messages that it reads. Written as an object literal that `satisfies` this. */
export interface ControllerOf<Service extends ServiceName> {
  readonly answers?: { readonly [Name in CallNameOf<Service>]?: Answer<Name> }
  /** Consumes batches of a stream; when it resolves, they are acknowledged. */
  readonly takes?: { readonly [Stream in keyof typeof SERVICE_CONSUMERS]?: (batch: Incoming[]) => Promise<void> }
  /** Receives signals on `carillon.*.<subject>`; every instance of the service receives each. */
  readonly receives?: Readonly<Record<string, (signal: Signal) => Promise<void>>>
  /** The same of signals that are sent to another service, which rejects what cannot be read: here that is ignored. */
  readonly overhears?: Readonly<Record<string, (signal: Signal) => Promise<void>>>
}

/** The calls that a service answers, and the batches and signals that it receives. */
export interface Controller<Service extends ServiceName = ServiceName> {
  readonly service: Service
  /** By the pattern that the transport knows it by: `call jobs.get`, `batch REPORTS`, `signal beat.*`, `overheard beat.*`. */
  readonly handlers: ReadonlyMap<string, (data: never) => unknown>
}

type AnsweredBy<Room> = Room extends { readonly answers: infer Answers } ? RequiredKeys<Answers> : never
type RequiredKeys<T> = { [Key in keyof T]-?: undefined extends T[Key] ? never : Key }[keyof T]
type Unanswered<Service extends ServiceName, Room> = Exclude<CallNameOf<Service>, AnsweredBy<Room>>
/** A property that no controller has, so that the compiler names the calls that are missing. */
type Complete<Service extends ServiceName, Room> = [Unanswered<Service, Room>] extends [never]
  ? unknown
  : { unanswered: Unanswered<Service, Room> }

/**
 * Puts the edges of a service's rooms together. A service that leaves a call of its own unanswered does not compile.
 * @throws Error when two rooms answer one call, or take one stream
 */
export function controllerOf<Service extends ServiceName, const Rooms extends readonly ControllerOf<Service>[]>(
  service: Service,
  rooms: Rooms & Complete<Service, Rooms[number]>,
): Controller<Service> {
  const handlers = new Map<string, (data: never) => unknown>()
  for (const { answers = {}, takes = {}, receives = {}, overhears = {} } of rooms as readonly ControllerOf<ServiceName>[]) {
    const add = (kind: string, name: string, handle: (data: never) => unknown) => {
      const pattern = `${kind} ${name}`
      if (handlers.has(pattern)) throw new Error(`two controllers of ${service} have "${pattern}"`)
      handlers.set(pattern, handle)
    }
    for (const [name, answer] of Object.entries(answers)) add('call', pathOf(name as CallName), answer)
    for (const [stream, take] of Object.entries(takes)) add('batch', stream, take)
    for (const [subject, receive] of Object.entries(receives)) add('signal', subject, receive)
    for (const [subject, receive] of Object.entries(overhears)) add('overheard', subject, receive)
  }
  return { service, handlers }
}

const pathOf = (name: CallName) => `${CALLS[name].noun}.${CALLS[name].verb}`
