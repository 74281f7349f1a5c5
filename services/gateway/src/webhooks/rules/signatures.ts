import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** A delivery as it arrived. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The bytes that were signed: JSON that is written again is never the same. */
  readonly body: Buffer
}

/** A delivery whose signature is right. */
export interface Verified {
  /** How it was signed. */
  readonly scheme: SchemeName
  /** The same for a delivery that is repeated. */
  readonly deliveryId: string
}

/** By how much the time of a delivery may differ from ours, either way: after this, one that was overheard cannot be sent again. */
export const WINDOW_MS = 300_000

interface Signed {
  readonly text: Buffer
  /** HMAC-SHA256 of the text; several while the sender replaces its secret. */
  readonly signatures: readonly Buffer[]
  readonly deliveryId: string
  /** Undefined: the scheme signs no time. */
  readonly atMs?: number
}

interface Scheme {
  /** Undefined: this is not how the delivery is signed. */
  read(delivery: Delivery): Signed | undefined
  keyOf(secret: string): Buffer
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && header !== '' ? header : undefined
const joined = (prefix: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(prefix), body])
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const plainKey = (secret: string): Buffer => Buffer.from(secret)
const seconds = (text: string | undefined): number => (text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : Number.NaN)

/** https://www.standardwebhooks.com */
const standard: Scheme = {
  read({ headers, body }) {
    const [id, timestamp, signature] = [headers['webhook-id'], headers['webhook-timestamp'], headers['webhook-signature']].map(textOf)
    if (id === undefined || timestamp === undefined || signature === undefined) return undefined
    const signatures = signature.split(' ').flatMap((one) => (one.startsWith('v1,') ? [Buffer.from(one.slice(3), 'base64')] : []))
    return { text: joined(`${id}.${timestamp}.`, body), signatures, deliveryId: id, atMs: seconds(timestamp) }
  },
  keyOf: (secret) => (secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : plainKey(secret)),
}

/** GitHub signs the body alone: neither a time nor the id of the delivery. */
const github: Scheme = {
  read({ headers, body }) {
    const signature = hexSignature(textOf(headers['x-hub-signature-256']))
    if (signature === undefined) return undefined
    return { text: body, signatures: [signature], deliveryId: textOf(headers['x-github-delivery']) ?? digest(body) }
  },
  keyOf: plainKey,
}

const stripe: Scheme = {
  read({ headers, body }) {
    const header = textOf(headers['stripe-signature'])
    if (header === undefined) return undefined
    const parts = header.split(',').map((part) => part.split('=', 2) as [string, string | undefined])
    const timestamp = parts.find(([name]) => name === 't')?.[1] ?? ''
    const signatures = parts.flatMap(([name, value]) => (name === 'v1' && value !== undefined ? [Buffer.from(value, 'hex')] : []))
    return { text: joined(`${timestamp}.`, body), signatures, deliveryId: idOfEvent(body) ?? digest(body), atMs: seconds(timestamp) }
  },
  keyOf: plainKey,
}

/** Ours, for `curl` and `openssl`: `X-Carillon-Timestamp` and `X-Carillon-Signature: sha256=<hex>` over `<timestamp>.<body>`. */
const carillon: Scheme = {
  read({ headers, body }) {
    const signature = hexSignature(textOf(headers['x-carillon-signature']))
    if (signature === undefined) return undefined
    const timestamp = textOf(headers['x-carillon-timestamp']) ?? ''
    const text = joined(`${timestamp}.`, body)
    return { text, signatures: [signature], deliveryId: digest(text), atMs: seconds(timestamp) }
  },
  keyOf: plainKey,
}

const SCHEMES = { standard, github, stripe, carillon } as const
type SchemeName = keyof typeof SCHEMES

const hexSignature = (header: string | undefined): Buffer | undefined =>
  header?.startsWith('sha256=') ? Buffer.from(header.slice('sha256='.length), 'hex') : undefined

/** Of an event as Stripe sends it: it is within what is signed. */
function idOfEvent(body: Buffer): string | undefined {
  const id = /"id"\s*:\s*"(evt_\w{1,100})"/.exec(body.toString('utf8', 0, 2_000))?.[1]
  return id
}

/** Undefined: it is signed in no way that is known, by none of these secrets, or too long ago. */
export function verify(delivery: Delivery, secrets: readonly string[], nowMs: number): Verified | undefined {
  for (const [scheme, { read, keyOf }] of Object.entries(SCHEMES) as [SchemeName, Scheme][]) {
    const signed = read(delivery)
    if (signed === undefined) continue
    // Every pair is compared, whatever the others gave: the time that it takes says nothing.
    const matches = secrets.flatMap((secret) => {
      const expected = createHmac('sha256', keyOf(secret)).update(signed.text).digest()
      return signed.signatures
        .slice(0, MOST_SIGNATURES)
        .map((given) => given.length === expected.length && timingSafeEqual(given, expected))
    })
    const isInTime = signed.atMs === undefined || Math.abs(nowMs - signed.atMs) <= WINDOW_MS
    return matches.includes(true) && isInTime ? { scheme, deliveryId: signed.deliveryId } : undefined
  }
  return undefined
}

/** More than any sender has while it replaces its secret. */
const MOST_SIGNATURES = 5

/** The idempotency key of a delivery: one run per job and delivery. */
export function keyOfDelivery(job: string, { scheme, deliveryId }: Verified): string {
  const id = /^[\w.:-]{1,120}$/.test(deliveryId) ? deliveryId : digest(Buffer.from(deliveryId))
  return `hook:${job}:${scheme}:${id}`
}
