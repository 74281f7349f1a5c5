import { lookup } from 'node:dns'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { messageOf, VERSION } from '@carillon/contracts'
import { checkLiteral, guardedLookup, type RangeOf, TargetRefused } from '@carillon/runtime'
import type { Outcome, SendTimes } from './channel.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** Sends a message by HTTP; answers what came back, or why nothing did. */
export type Post = (
  url: string,
  request: { readonly body: string; readonly headers?: Readonly<Record<string, string>> },
) => Promise<Answer | Outcome>

const ANSWER_BYTES = 16_384
const SHOWN_LETTERS = 300

/** POST requests to where no private network is. Redirects are not followed: a receiver has one address. */
export function createPost(rangeOf: RangeOf, { answerMs }: Pick<SendTimes, 'answerMs'>): Post {
  return async (text, { body, headers = {} }) => {
    const url = new URL(text)
    try {
      checkLiteral(url, rangeOf)
      return await post(url, { body, headers, rangeOf, answerMs })
    } catch (error) {
      if (error instanceof TargetRefused) return { is: 'refused', answer: `${error.message}: see CARILLON_ALERT_PRIVATE_TARGETS` }
      return { is: 'retry', answer: `no answer: ${messageOf(error)}` }
    }
  }
}

interface PostRequest {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly rangeOf: RangeOf
  readonly answerMs: number
}

function post(url: URL, { body, headers, rangeOf, answerMs }: PostRequest) {
  return new Promise<Answer>((resolve, reject) => {
    const bytes = Buffer.from(body)
    const options = {
      method: 'POST',
      lookup: guardedLookup(lookup as never, rangeOf),
      // A connection for each request: each is checked.
      agent: false as const,
      // For everything together: another message waits behind it.
      signal: AbortSignal.timeout(answerMs),
      headers: { 'content-type': 'application/json', 'user-agent': `carillon/${VERSION}`, ...headers, 'content-length': bytes.length },
    }
    const request: ClientRequest = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options)
    const fail = (error: Error) => reject(/^(Timeout|Abort)Error$/.test(error.name) ? new Error(`none within ${answerMs} ms`) : error)
    request.on('error', fail)
    request.on('response', (response) => {
      const parts: Buffer[] = []
      let size = 0
      response.on('data', (part: Buffer) => {
        if (size < ANSWER_BYTES) parts.push(part)
        size += part.length
        // An answer without an end is no reason to wait.
        if (size >= ANSWER_BYTES) response.destroy()
      })
      response.on('error', fail)
      response.on('close', () => {
        const text = Buffer.concat(parts).subarray(0, ANSWER_BYTES).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
      })
    })
    request.end(bytes)
  })
}

export const isOutcome = (answer: Answer | Outcome): answer is Outcome => 'is' in answer

/** An answer in a few words, without line ends. */
export const answerText = ({ status, text }: Answer): string =>
  `${status} ${text.slice(0, SHOWN_LETTERS).replaceAll(/[\s\p{Cc}]+/gu, ' ')}`.trim()

/** What statuses mean wherever they mean the same: of 2xx the caller decides. */
export function outcomeOf(answer: Answer): Outcome {
  const { status, headers } = answer
  const said = answerText(answer)
  if (status >= 200 && status < 300) return { is: 'delivered', answer: said }
  if (status === 410) return { is: 'refused', answer: said, isGone: true }
  if (status === 429 || status === 503) return { is: 'retry', answer: said, ...pauseOf(headers['retry-after']) }
  if (status === 408 || status === 425 || status >= 500) return { is: 'retry', answer: said }
  if (status >= 300 && status < 400) return { is: 'refused', answer: `${status}: redirects are not followed` }
  // What a receiver does not know today, it may know when it is repaired: 404 and 401 are mistakes that people make with its settings.
  return { is: 'retry', answer: said }
}

const LONGEST_PAUSE_S = 86_400

function pauseOf(text: string | undefined): { afterMs?: number } {
  return text !== undefined && /^\d+$/.test(text) ? { afterMs: Math.min(Number(text), LONGEST_PAUSE_S) * 1_000 } : {}
}
