import * as z from 'zod'
import { CHANNEL_KINDS, MESSAGE_LANGUAGES } from './channel-kinds.ts'
import { coded, nameField, timeField } from './fields.ts'
import { LIMITS } from './limits.ts'

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

const urlField = coded(
  z.string().max(2_048),
  'INVALID_ALERT',
  'Use an http or https URL without a login, such as https://hooks.example.com/alerts.',
  isHttpUrl,
)
/** What signs: `whsec_` and base64, as Standard Webhooks writes it. */
const webhookSecret = coded(
  z.string().max(256),
  'INVALID_ALERT',
  'Use "whsec_" and 24 to 64 bytes in base64, such as the answer of: echo whsec_$(openssl rand -base64 32)',
  (text) => {
    const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
    const bytes = base64 === undefined ? 0 : Math.floor((base64.replaceAll('=', '').length * 3) / 4)
    return bytes >= 24 && bytes <= 64
  },
)
const robotSecret = z.string().min(1).max(256)
const keyword = z.string().min(1).max(50)
const language = z.enum(MESSAGE_LANGUAGES).default('en')

/** One address and nothing else: neither a name, nor a list, a comment, a quote or a line end. */
const ADDRESS =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
const address = coded(
  z.string().max(254),
  'INVALID_ALERT',
  'Use one plain address such as ops@example.com, without a name, quotes or comments.',
  (text) => ADDRESS.test(text),
)
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$|^\[?[0-9A-Fa-f:.]+\]?$/
const hostField = coded(z.string().max(253), 'INVALID_ALERT', 'Use the name or the address of a mail server, without a port.', (text) =>
  HOST.test(text),
)

/** A subject of NATS outside Carillon's own: what is published there must not be mistaken for its messages. */
const SUBJECT = /^[^\s.*>\p{Cc}]+(?:\.[^\s.*>\p{Cc}]+)*$/u
const subjectField = coded(
  z.string().max(LIMITS.subjectLength),
  'INVALID_ALERT',
  'Use a subject without wildcards, outside carillon.> and those that begin with $ or _.',
  (text) => SUBJECT.test(text) && !/^(carillon\.|carillon$|\$|_)/i.test(text),
)

/**
 * The settings of each kind. Those of `SECRET_FIELDS` are never answered: of a channel that is replaced, one that is left out stays as it was. URLs of robots are
 * secrets, because anyone who has one can post to its group.
 */
const kindFields = {
  email: {
    to: z.array(address).min(1).max(LIMITS.alertRecipients),
    from: address,
    host: hostField,
    port: z.int().min(1).max(65_535).default(587),
    /** `tls`: from the first byte; `starttls`: or nothing is sent; `none`: for a server of the same machine. */
    security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
    user: z.string().min(1).max(256).optional(),
    password: z.string().min(1).max(1_024).optional(),
  },
  webhook: {
    url: urlField.optional(),
    /** The second one signs too, while receivers change from one to the other. */
    secrets: z.array(webhookSecret).min(1).max(2).optional(),
  },
  slack: { url: urlField.optional() },
  dingtalk: { url: urlField.optional(), secret: robotSecret.optional(), keyword: keyword.optional() },
  wecom: { url: urlField.optional() },
  feishu: { url: urlField.optional(), secret: robotSecret.optional(), keyword: keyword.optional() },
  nats: { subject: subjectField },
} as const

/** Where a channel sends to, and how. */
const targetSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('email'), ...kindFields.email }),
  z.strictObject({ kind: z.literal('webhook'), ...kindFields.webhook }),
  z.strictObject({ kind: z.literal('slack'), ...kindFields.slack }),
  z.strictObject({ kind: z.literal('dingtalk'), ...kindFields.dingtalk }),
  z.strictObject({ kind: z.literal('wecom'), ...kindFields.wecom }),
  z.strictObject({ kind: z.literal('feishu'), ...kindFields.feishu }),
  z.strictObject({ kind: z.literal('nats'), ...kindFields.nats }),
])
/** With its secrets. */
export type ChannelTarget = z.output<typeof targetSchema>

/** A channel as a user writes it. */
export const alertChannelInputSchema = z.strictObject({
  name: nameField,
  description: z.string().max(1_000).optional(),
  /** Of its messages. */
  language,
  enabled: z.boolean().default(true),
  target: targetSchema,
})
export type AlertChannelInput = z.input<typeof alertChannelInputSchema>
export type AlertChannel = z.output<typeof alertChannelInputSchema>

/** A channel as services show it: without its secrets. */
export const alertChannelViewSchema = z.object({
  name: z.string(),
  description: z.string().exactOptional(),
  language,
  enabled: z.boolean(),
  /** Without its secrets. */
  target: z.looseObject({ kind: z.enum(CHANNEL_KINDS) }),
  /** Where it sends to: the host of a URL, addresses, a subject. */
  address: z.string(),
  /** Which secrets it has. */
  secrets: z.array(z.string()).readonly(),
  /** What it last sent, or tried to. */
  last: z.object({ at: timeField, delivered: z.boolean(), answer: z.string() }).readonly().exactOptional(),
  /** Messages in a row that its receiver did not take. */
  failures: z.int().exactOptional(),
  /** Until when nothing is sent to it: it fails, or its receiver has asked for that. */
  heldUntil: timeField.exactOptional(),
  /** Why it sends nothing any more: its receiver is gone for good, or refuses it. */
  disabled: z.object({ at: timeField, why: z.string() }).readonly().exactOptional(),
  createdAt: timeField,
  updatedAt: timeField,
  by: z.string().exactOptional(),
})
export type AlertChannelView = Readonly<z.output<typeof alertChannelViewSchema>>

/** What came of a test message. */
export const channelTestedSchema = z.object({
  delivered: z.boolean(),
  /** What the other side said. */
  answer: z.string(),
})
export type ChannelTested = Readonly<z.output<typeof channelTestedSchema>>
