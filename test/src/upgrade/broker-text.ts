import { REQUEST_DEADLINE } from '@carillon/wire/testing'
import { type JetStreamManager, jetstream, jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'

/** A line of `broker.jsonl`. Streams come before their consumers, and those before the messages. */
type Line =
  | { readonly stream: Partial<StreamConfig> & { readonly name: string } }
  | { readonly consumer: { readonly stream: string; readonly config: { readonly durable_name?: string } } }
  | { readonly message: { readonly subject: string; readonly headers: Readonly<Record<string, readonly string[]>>; readonly data: string } }

/** What a sender asked of the broker when it published, not what the message is. */
const CONDITION = /^Nats-Expected-/

/** Everything that a broker keeps, as lines of JSON. */
export async function brokerText(connection: NatsConnection): Promise<string> {
  const manager = await jetstreamManager(connection, REQUEST_DEADLINE)
  const lines: Line[] = []
  const messages: Line[] = []
  for await (const { config, state } of manager.streams.list()) {
    lines.push({ stream: withoutServerMarks(config) })
    for await (const { config: consumer } of manager.consumers.list(config.name))
      if (consumer.durable_name !== undefined) lines.push({ consumer: { stream: config.name, config: withoutServerMarks(consumer) } })
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(config.name, { seq }).catch(() => null)
      if (message === null) continue
      const kept = message.header?.keys().filter((key) => !CONDITION.test(key)) ?? []
      const given = Object.fromEntries(kept.map((key) => [key, message.header.values(key)]))
      messages.push({ message: { subject: message.subject, headers: given, data: message.string() } })
    }
  }
  return [...lines, ...messages].map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** What the server itself has added. */
function withoutServerMarks<Config extends { metadata?: Record<string, string> | undefined }>(config: Config): Config {
  const marks = Object.entries(config.metadata ?? {}).filter(([key]) => !key.startsWith('_nats.'))
  return { ...config, metadata: Object.fromEntries(marks) }
}

/** Makes an empty broker hold what was recorded. What was delivered and not acknowledged is delivered again, as after the death of everyone. */
export async function restoreBroker(connection: NatsConnection, text: string): Promise<void> {
  const manager = await jetstreamManager(connection, REQUEST_DEADLINE)
  for (const line of text.trimEnd().split('\n')) await restoreLine({ connection, manager }, JSON.parse(line) as Line)
}

async function restoreLine({ connection, manager }: { connection: NatsConnection; manager: JetStreamManager }, line: Line): Promise<void> {
  if ('stream' in line) await manager.streams.add(line.stream)
  else if ('consumer' in line) await manager.consumers.add(line.consumer.stream, line.consumer.config)
  else {
    const { subject, data } = line.message
    const given = headers()
    for (const [key, values] of Object.entries(line.message.headers)) for (const value of values) given.append(key, value)
    await jetstream(connection, REQUEST_DEADLINE).publish(subject, data, { headers: given })
  }
}
