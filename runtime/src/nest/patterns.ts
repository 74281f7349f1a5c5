import type { Call, SERVICE_CONSUMERS } from '@carillon/contracts'
import { MessagePattern } from '@nestjs/microservices'

/** The method answers a call; it receives a `Request` with the checked input. */
export const Answers = (call: Call) => MessagePattern(`call ${call.noun}.${call.verb}`)

/** The method takes batches of a stream; when it resolves, they are acknowledged. */
export const Takes = (stream: keyof typeof SERVICE_CONSUMERS) => MessagePattern(`batch ${stream}`)

/** The method hears signals on `carillon.*.<subject>`, as `Signal`s; every instance of the service hears each. */
export const Hears = (subject: string) => MessagePattern(`signal ${subject}`)

/** A signal: an unstored message, read or set aside. */
export interface Signal {
  readonly namespace: string
  readonly tokens: readonly string[]
  readonly body: unknown
}
