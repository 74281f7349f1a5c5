import { lookup } from 'node:dns'
import { connect, isIP, type Socket } from 'node:net'
import { messageOf } from '@carillon/contracts'
import { guardedLookup, type RangeOf, TargetRefused } from '@carillon/runtime'
import { createTransport } from 'nodemailer'
import type { Channel, Message, Notice, Outcome } from './channel.ts'
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

const WITHIN_MS = 15_000
const TEXT_BYTES = 100_000
const SUBJECT_BYTES = 200

/** A mail to people. */
export const emailChannel = (rangeOf: RangeOf): Channel<Settings> => ({
  kind: 'email',
  limit: { count: 30, withinMs: 60_000 },
  isDigestible: true,
  async send(message, settings) {
    try {
      return await sendMail(message, settings, rangeOf)
    } catch (error) {
      return refusalOf(error)
    }
  },
})

async function sendMail(message: Message, settings: Settings, rangeOf: RangeOf): Promise<Outcome> {
  const { to, from, host, port, security, user, password } = settings
  const transport = createTransport({
    ...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    ...{
      connectionTimeout: WITHIN_MS,
      greetingTimeout: WITHIN_MS,
      socketTimeout: WITHIN_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    tls: { servername: isIP(host) === 0 ? host : undefined },
    // The address that was checked is the one that is connected to.
    getSocket: (_options: unknown, callback: (error: Error | null, socket?: { connection: Socket }) => void) =>
      connectTo({ host, port, rangeOf }).then(
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

function connectTo({ host, port, rangeOf }: { host: string; port: number; rangeOf: RangeOf }): Promise<Socket> {
  const name = host.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const range = isIP(name) === 0 ? undefined : rangeOf(name)
    if (range !== undefined) return reject(new TargetRefused(name, name, range))
    const socket = connect({ host: name, port, lookup: guardedLookup(lookup as never, rangeOf) })
    socket.setTimeout(WITHIN_MS, () => socket.destroy(new Error(`no connection within ${WITHIN_MS} ms`)))
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
