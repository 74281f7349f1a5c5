import * as z from 'zod'
import { LIMITS } from './limits.ts'
import { keyReason, recordField } from './record-field.ts'

/** The handler that sends HTTP requests: `carillon executor --http` offers it, and nodes `http` of workflows are its tasks. */
export const HTTP_HANDLER = 'http'

const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** Methods whose requests have no body. */
const WITHOUT_BODY: readonly string[] = ['GET', 'HEAD']

/** Those that frame a message or name its receiver: what is between would read them otherwise than we do. `accept-encoding` is for what the executor can unpack. */
const OWN_HEADERS = /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept-encoding|proxy-.*)$/i
/** A header's value: printable letters of Latin-1, so no line ends. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const VALUE_RULE = 'must be text without line ends, or an object such as {"secret":"API_TOKEN","prefix":"Bearer "}'
const STATUS_RULE = 'must be a status such as 200, a class such as "2xx", or a list of these'
const NO_BODY_RULE = 'GET and HEAD have no body: give another method'

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
const expectSchema = z.strictObject({
  status: z.union([status, z.array(status).min(1).max(100)], STATUS_RULE).optional(),
  bodyContains: z.string().min(1).optional(),
  /** Members of the body by their path, such as `data.state`, and the value that each must have. */
  json: recordField(z.string(), z.unknown()).optional(),
})

/** What a request and a node that sends one have in common. */
const requestFields = {
  method: z.enum(HTTP_METHODS).optional(),
  /** Bytes of the body that are kept, after it is unpacked. A result has 256 KiB. */
  maxBytes: z.int().min(0).max(131_072).optional(),
  /** Redirects that are followed; with 0 a redirect is the response. */
  redirects: z.int().min(0).max(5).optional(),
  expect: expectSchema.optional(),
}

/** The longest time limit of a request: an hour. */
export const HTTP_TIMEOUT_MAX_MS = 3_600_000
/** The time limit of a request that says nothing. */
export const HTTP_TIMEOUT_MS = 30_000

const urlField = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(8_192)
  .refine(hasNoLogin, 'has a login: use a header with a secret')

const hasNoNeedlessBody = ({ method = 'GET', body }: { method?: string | undefined; body?: unknown }) =>
  body === undefined || !WITHOUT_BODY.includes(method)
const noBody = { path: ['body'], message: NO_BODY_RULE }

/** A request: the payload of the handler `http`. */
export const httpRequestSchema = z
  .strictObject({
    url: urlField,
    headers: recordField(headerName, z.union([headerValue, secretValue], VALUE_RULE), { error: keyReason }).optional(),
    /** Text as it is; anything else as JSON. */
    body: z.unknown().optional(),
    /** For everything together, redirects and the body included. */
    timeoutMs: z.int().min(1).max(HTTP_TIMEOUT_MAX_MS).optional(),
    ...requestFields,
  })
  .refine(hasNoNeedlessBody, noBody)
export type HttpRequest = z.output<typeof httpRequestSchema>

/** A response: the result of the handler `http`. */
export const httpResponseSchema = z.object({
  status: z.int(),
  /** Some of them: what describes the body, and `location`, `retry-after`, `x-request-id`. */
  headers: z.record(z.string(), z.string()),
  /** JSON where the response says so, else text. */
  body: z.unknown(),
  /** Whether the body was longer than `maxBytes`. */
  truncated: z.boolean(),
  durationMs: z.int(),
})
export type HttpResponse = z.output<typeof httpResponseSchema>

const expressionField = z.string().min(1, 'Write an expression, or leave it out.').max(LIMITS.decisionLength)
const NODE_VALUE_RULE = `${VALUE_RULE}, or {"value":"…"} with an expression that gives a text`
const computedValue = z.strictObject({
  /** CEL over `payload`, `context` and `nodes`: a text. */
  value: expressionField,
})

/** No expression begins so: what does is a URL as it is. */
const URL_START = /^https?:\/\//i
/** Whether it stands for itself. */
export const isPlainUrl = (text: string): boolean => URL_START.test(text)

/** The request of a node of a workflow: its URL, values of headers and its body may be CEL over `payload`, `context` and `nodes`. */
export const httpNodeRequestSchema = z
  .strictObject({
    /** As it is where it begins with `http://` or `https://`; else an expression that gives it. */
    url: z
      .string()
      .min(1, 'Give a URL, or an expression that gives one.')
      .max(LIMITS.decisionLength)
      .superRefine((text, context) => {
        const issue = isPlainUrl(text) ? urlField.safeParse(text).error?.issues[0] : undefined
        if (issue) context.addIssue({ code: 'custom', message: issue.message, input: text })
      }),
    /** Texts as they are, secrets by name, or expressions. */
    headers: recordField(headerName, z.union([headerValue, secretValue, computedValue], NODE_VALUE_RULE), { error: keyReason }).optional(),
    /** An expression: text is sent as it is, anything else as JSON. Default: no body. */
    body: expressionField.optional(),
    ...requestFields,
  })
  .refine(hasNoNeedlessBody, noBody)
export type HttpNodeRequest = z.output<typeof httpNodeRequestSchema>

function hasNoLogin(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password } = new URL(text)
  return username === '' && password === ''
}
