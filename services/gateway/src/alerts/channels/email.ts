import { lookup } from 'node:dns'
import { connect, isIP, type Socket } from 'node:net'
import { messageOf } from '@carillon/contracts'
import { guardedLookup, type RangeOf, TargetRefused } from '@carillon/runtime'
import { createTransport } from 'nodemailer'
import type { Channel, Message, Notice, Outcome, SendTimes } from './channel.ts'
import { cutToBytes, linesOf, titleOf } from './texts.ts'

interface Settings {
  readonly to: readonly string[]
  readonly from: string
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user?: string
  readonly password?: string
}

const TEXT_BYTES = 100_000
const SUBJECT_BYTES = 200

type MailTimes = Pick<SendTimes, 'mailStepMs' | 'mailMs'>

/** A mail to people. */
export const emailChannel = (rangeOf: RangeOf, times: MailTimes): Channel<Settings> => ({
  kind: 'email',
  limit: { count: 30, withinMs: 60_000 },
  noticesPerMessage: 20,
  async send(message, settings) {
    try {
      return await sendMail(message, settings, { rangeOf, ...times })
    } catch (error) {
      return refusalOf(error)
    }
  },
})

async function sendMail(message: Message, settings: Settings, how: MailTimes & { readonly rangeOf: RangeOf }): Promise<Outcome> {
  const { mailStepMs, mailMs } = how
  const signal = AbortSignal.timeout(mailMs)
  const { to, from, host, port, security, user, password } = settings
  const transport = createTransport({
    ...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    ...{
      connectionTimeout: mailStepMs,
      greetingTimeout: mailStepMs,
      socketTimeout: mailStepMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    tls: { servername: isIP(host) === 0 ? host : undefined },
    // The address that was checked is the one that is connected to.
    getSocket: (_options: unknown, callback: (error: Error | null, socket?: { connection: Socket }) => void) =>
      connectTo({ host, port, signal, ...how }).then(
        (connection) => callback(null, { connection }),
        (error: Error) => callback(error),
      ),
  } as Parameters<typeof createTransport>[0])
  try {
    const title = cutToBytes(titleOf(message), SUBJECT_BYTES)
    const sent = (await transport.sendMail({
      // As objects: no text is parsed as a list of addresses.
      from: { name: 'Carillon', address: from },
      to: to.map((address) => ({ name: '', address })),
      subject: title,
      text: cutToBytes([title, '', ...linesOf(message)].join('\n'), TEXT_BYTES),
      messageId: idOf(message.id, from),
      ...threadOf(message, from),
      headers: { 'Auto-Submitted': 'auto-generated' },
    })) as { response?: string; rejected?: readonly unknown[] }
    const rejected = sent.rejected?.length ?? 0
    const answer = `${sent.response ?? ''}${rejected > 0 ? ` (${rejected} of ${to.length} recipients were rejected)` : ''}`
    return { is: 'delivered', answer }
  } finally {
    transport.close()
  }
}

/** Incident and recovery are one thread: all refer to a message id that only the incident makes. */
function threadOf({ notices }: Message, from: string): { references?: string; inReplyTo?: string } {
  const [first] = notices as readonly [Notice]
  if (notices.length !== 1 || first.transition === 'test') return {}
  const thread = idOf(first.incident.id, from)
  return { references: thread, inReplyTo: thread }
}

const idOf = (id: string, from: string) => `<${id}@${from.split('@')[1]}>`

interface Connecting extends MailTimes {
  readonly host: string
  readonly port: number
  readonly rangeOf: RangeOf
  /** Ends the connection, whatever the server does. */
  readonly signal: AbortSignal
}

function connectTo({ host, port, rangeOf, signal, mailStepMs, mailMs }: Connecting): Promise<Socket> {
  const name = host.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const range = isIP(name) === 0 ? undefined : rangeOf(name)
    if (range !== undefined) return reject(new TargetRefused(name, name, range))
    const socket = connect({ host: name, port, lookup: guardedLookup(lookup as never, rangeOf) })
    socket.setTimeout(mailStepMs, () => socket.destroy(new Error(`no connection within ${mailStepMs} ms`)))
    signal.addEventListener('abort', () => socket.destroy(new Error(`the mail server took longer than ${mailMs} ms`)), { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.setTimeout(0)
      resolve(socket)
    })
  })
}

function refusalOf(error: unknown): Outcome {
  if (error instanceof TargetRefused) return { is: 'refused', answer: `${error.message}: see CARILLON_ALERT_PRIVATE_TARGETS` }
  const { response, responseCode, code } = error as { response?: string; responseCode?: number; code?: string }
  const answer = response ?? messageOf(error)
  // All recipients, or the content, for good. A wrong password is a 5xx too, and people repair it.
  if (responseCode !== undefined && responseCode >= 550 && code === 'EENVELOPE') return { is: 'refused', answer }
  return { is: 'retry', answer }
}
