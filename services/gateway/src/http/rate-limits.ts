import { CarillonError } from '@carillon/contracts'
import { networkOf } from '@carillon/runtime'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export interface RateSettings {
  /** Of one token or user. */
  readonly requestsPerSecond: number
  /** Of one address, by requests of nobody who is signed in. */
  readonly anonymousRequestsPerSecond: number
}

/** A rate is counted over so long: a short burst is no reason to refuse. */
const WINDOW_S = 10
/** Clients that are counted at a time; of more, those that asked least recently are forgotten, so that made-up addresses fill no memory. */
const CLIENTS = 20_000

type Limiter = ReturnType<FastifyInstance['createRateLimit']>

/** Limits of each gateway by itself: what a client may do with several is a multiple of it. */
export class RateLimits {
  readonly #ofPrincipals: Limiter
  readonly #ofAddresses: Limiter

  private constructor(instance: FastifyInstance, { requestsPerSecond, anonymousRequestsPerSecond }: RateSettings) {
    const common = { timeWindow: WINDOW_S * 1_000, cache: CLIENTS }
    const keyGenerator = ({ principal }: FastifyRequest) => `${principal?.kind}:${principal?.id}`
    this.#ofPrincipals = instance.createRateLimit({ ...common, max: requestsPerSecond * WINDOW_S, keyGenerator })
    this.#ofAddresses = instance.createRateLimit({
      ...common,
      max: anonymousRequestsPerSecond * WINDOW_S,
      keyGenerator: ({ ip }) => networkOf(ip),
    })
  }

  static async register(instance: FastifyInstance, settings: RateSettings): Promise<RateLimits> {
    await instance.register(rateLimit, { global: false })
    return new RateLimits(instance, settings)
  }

  /** Counts a request, of the principal or, without one, of its address. @throws CarillonError RATE_LIMITED */
  async count(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const outcome = await (request.principal ? this.#ofPrincipals : this.#ofAddresses)(request)
    if (outcome.isAllowed) return
    const { max, remaining, ttlInSeconds, isExceeded } = outcome
    reply.headers({ 'ratelimit-limit': max, 'ratelimit-remaining': remaining, 'ratelimit-reset': ttlInSeconds })
    if (!isExceeded) return
    const seconds = Math.max(1, ttlInSeconds)
    const [message, hint] = [`More than ${max} requests in ${WINDOW_S} s`, `Send it again in ${seconds} s.`]
    throw new CarillonError('RATE_LIMITED', message, { hint, value: String(seconds) })
  }
}
