import { CarillonError, type Role } from '@carillon/contracts'
import { type Clock, freshRunId, type Logger, randomShare, type Service, type Timer } from '@carillon/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Access, Principal, Route } from '../http/http-controller.ts'
import { endFrame, HEARTBEAT, retryFrame } from './rules/frame.ts'
import { SseConnection } from './sse-connection.ts'

/** Proxies end a connection that is silent for 30 to 60 s. */
const HEARTBEAT_MS = 15_000
/** A client that takes nothing for so long is gone: it has missed two heartbeats. */
const GONE_AFTER_MS = 30_000
/** A right that was taken away ends a stream within this time also where nothing has signalled it. */
const CHECK_MS = 60_000
/** So that the readers of a gateway that stops do not come back in the same moment. */
const RETRY_MS = { least: 500, spread: 2_500 }

/** Streams that are open at the same time. */
export interface StreamLimits {
  /** A browser has one for all its tabs; programs that share a token follow a log each. */
  readonly perReader: number
  /** Everyone behind a proxy has the same address. */
  readonly perAddress: number
  /** What waits for slow readers stays below 100 MiB for as many: 64 KiB of each are in memory. */
  readonly perGateway: number
}

export const STREAM_LIMITS: StreamLimits = { perReader: 250, perAddress: 500, perGateway: 1_500 }

/** What a room does with a stream that it has opened. */
export interface StreamSource {
  /** There is room: sends what waits. */
  ready(): void
  /** It has ended, for whatever reason. */
  closed(): void
}

export interface OpenStream {
  readonly id: string
  readonly namespace: string
  readonly reader: Principal
  readonly connection: SseConnection
}

interface Held extends OpenStream {
  readonly owner: string
  readonly address: string
  readonly request: FastifyRequest
  readonly role: Role | undefined
  readonly seesPayloads: boolean
  checkedAt: number
}

const ownerOf = ({ kind, id }: Principal): string => `${kind} ${id}`

/** Every stream of a gateway: how many there may be, whether they live, whether their readers may still read. Stopping ends them in order. */
export class OpenStreams implements Service {
  readonly #access: Access
  readonly #clock: Clock
  readonly #log: Logger
  readonly #limits: StreamLimits
  readonly #held = new Map<string, Held>()
  readonly #ofOwner = new Map<string, number>()
  readonly #ofAddress = new Map<string, number>()
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: { access: Access; clock: Clock; log: Logger; limits: StreamLimits }) {
    this.#access = options.access
    this.#clock = options.clock
    this.#log = options.log
    this.#limits = options.limits
  }

  get count(): number {
    return this.#held.size
  }

  async start(): Promise<void> {
    this.#isStopped = false
    this.#timer ??= this.#clock.after(HEARTBEAT_MS, () => this.#tick())
  }

  /** Before the server closes, which would wait for them. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = undefined
    for (const held of this.#held.values()) this.#end(held, 'stopping')
  }

  /** @throws CarillonError TOO_MANY_STREAMS, OVERLOADED when the gateway stops */
  admit(reader: Principal, address: string): void {
    if (this.#isStopped) throw new CarillonError('OVERLOADED', 'This gateway stops; connect again, to another one.')
    const { perReader, perAddress, perGateway } = this.#limits
    const refuse = (limit: number, whose: string) => {
      throw new CarillonError('TOO_MANY_STREAMS', `${whose} has ${limit} open streams, which is the limit.`, { value: String(limit) })
    }
    if (this.#held.size >= perGateway) refuse(perGateway, 'The gateway')
    if ((this.#ofOwner.get(ownerOf(reader)) ?? 0) >= perReader) refuse(perReader, 'This account or token')
    if ((this.#ofAddress.get(address) ?? 0) >= perAddress) refuse(perAddress, `Address ${address}`)
  }

  /** Takes the reply over. `admit` has to have been called in the same turn. */
  open(
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
    { reader, namespace, sourceOf }: { reader: Principal; namespace: string; sourceOf: (stream: OpenStream) => StreamSource },
  ): OpenStream {
    const id = freshRunId()
    const [owner, address] = [ownerOf(reader), request.ip]
    let source: StreamSource | undefined
    const connection = new SseConnection({
      reply,
      clock: this.#clock,
      listener: {
        ready: () => source?.ready(),
        closed: () => {
          this.#held.delete(id)
          count(this.#ofOwner, owner, -1)
          count(this.#ofAddress, address, -1)
          source?.closed()
        },
      },
    })
    const rights = { role: reader.roleIn(namespace), seesPayloads: reader.seesPayloads(namespace) }
    const held: Held = { id, namespace, reader, connection, owner, address, request, checkedAt: this.#clock.monotonic(), ...rights }
    this.#held.set(id, held)
    count(this.#ofOwner, owner, 1)
    count(this.#ofAddress, address, 1)
    source = sourceOf(held)
    return held
  }

  /** Whether the stream is open, and that reader's own. */
  isOpen(id: string, reader: Principal): boolean {
    return this.#held.get(id)?.owner === ownerOf(reader)
  }

  /** Rights may have changed: every stream is checked now. */
  async recheck(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => this.#check(held)))
  }

  /** Without waiting for it. */
  recheckSoon(): void {
    this.recheck().catch((error: unknown) => this.#log.error({ evt: 'stream.check-failed', err: error }, 'a stream was not checked'))
  }

  #tick(): void {
    this.#timer = this.#clock.after(HEARTBEAT_MS, () => this.#tick())
    const now = this.#clock.monotonic()
    for (const held of this.#held.values()) {
      const { connection } = held
      if (connection.blockedMs > GONE_AFTER_MS) connection.destroy()
      else if (connection.isReady) connection.send(HEARTBEAT)
      if (now - held.checkedAt >= CHECK_MS)
        this.#check(held).catch((error: unknown) => this.#log.error({ evt: 'stream.check-failed', err: error }, 'a stream was not checked'))
    }
  }

  async #check(held: Held): Promise<void> {
    held.checkedAt = this.#clock.monotonic()
    const { request } = held
    const isAsBefore = await this.#access.check(request, request.routeOptions.config.room as Route).then(
      (reader) =>
        reader !== undefined &&
        ownerOf(reader) === held.owner &&
        reader.roleIn(held.namespace) === held.role &&
        reader.seesPayloads(held.namespace) === held.seesPayloads,
      // A store that is away says nothing about rights: the next check does.
      (error: unknown) => CarillonError.from(error).retry,
    )
    if (!isAsBefore) this.#end(held, 'access-changed')
  }

  #end({ connection }: OpenStream, reason: string): void {
    const retry = retryFrame(RETRY_MS.least + RETRY_MS.spread * randomShare())
    connection.end(Buffer.concat([retry, endFrame(reason)]))
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const now = (counts.get(key) ?? 0) + by
  if (now > 0) counts.set(key, now)
  else counts.delete(key)
}
