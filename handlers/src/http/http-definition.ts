import { recordField } from '@carillon/contracts'
import { defineHandler } from '@carillon/sdk'
import { z } from 'zod'
import { keyReason } from '../record-key.ts'

/** Those that frame a message or name its receiver: what is between would read them otherwise than we do. `accept-encoding` is for what can be unpacked here. */
const OWN_HEADERS = /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|proxy-.*)$/i
/** A header's value: printable letters of Latin-1, so no line ends. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const VALUE_RULE = 'must be text without line ends, or an object such as {"secret":"API_TOKEN","prefix":"Bearer "}'
const STATUS_RULE = 'must be a status such as 200, a class such as "2xx", or a list of these'

const headerName = z
  .string()
  .max(256)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is no name of a header')
  .refine((name) => !OWN_HEADERS.test(name), 'is set by the executor itself')
const headerValue = z.string().max(8_192).regex(HEADER_VALUE, VALUE_RULE)
const secretValue = z.strictObject({
  /** Name of a secret that the executor has. */
  secret: z.string(),
  /** Stands in front of it, such as `Bearer `. */
  prefix: headerValue.optional(),
})

const status = z.union([z.int().min(100).max(599), z.string().regex(/^[1-5]xx$/, STATUS_RULE)])

const payloadSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .max(8_192)
      .refine(hasNoLogin, 'has a login: use a header with a secret'),
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).optional(),
    headers: recordField(headerName, z.union([headerValue, secretValue], VALUE_RULE), { error: keyReason }).optional(),
    /** Text as it is; anything else as JSON. */
    body: z.unknown().optional(),
    /** For everything together, redirects and the body included. */
    timeoutMs: z.int().min(1).max(3_600_000).optional(),
    /** Bytes of the body that are kept, after it is unpacked. A result has 256 KiB. */
    maxBytes: z.int().min(0).max(131_072).optional(),
    /** Redirects that are followed; with 0 a redirect is the response. */
    redirects: z.int().min(0).max(5).optional(),
    expect: z
      .strictObject({
        status: z.union([status, z.array(status).min(1).max(100)], STATUS_RULE).optional(),
        bodyContains: z.string().min(1).optional(),
        /** Members of the body by their path, such as `data.state`, and the value that each must have. */
        json: recordField(z.string(), z.unknown()).optional(),
      })
      .optional(),
  })
  .refine(({ method = 'GET', body }) => body === undefined || (method !== 'GET' && method !== 'HEAD'), {
    path: ['body'],
    message: 'GET and HEAD have no body: give another method',
  })

export type HttpPayload = z.infer<typeof payloadSchema>
export type Expectation = NonNullable<HttpPayload['expect']>

/** Sends an HTTP request. The status, and what is expected of the body, decide whether the task succeeds. */
export const httpHandler = defineHandler({
  name: 'http',
  description: 'Sends an HTTP request to {url}',
  input: payloadSchema,
  output: z.object({
    status: z.int(),
    /** Some of them: what describes the body, and `location`, `retry-after`, `x-request-id`. */
    headers: z.record(z.string(), z.string()),
    /** JSON where the response says so, else text. */
    body: z.unknown(),
    /** Whether the body was longer than `maxBytes`. */
    truncated: z.boolean(),
    durationMs: z.int(),
  }),
})

function hasNoLogin(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password } = new URL(text)
  return username === '' && password === ''
}
