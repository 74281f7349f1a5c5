import { SERVICE_CONSUMERS, STREAMS, type StreamName } from '@carillon/contracts'
import { type CheckContext, isStreamMissing } from './context.ts'
import { counted, type Finding, failed, well, wrong } from './finding.ts'

/** A stream this full refuses or drops messages soon. */
const FULL_PERCENT = 80
/** More than services consume within seconds. */
const MAX_BACKLOG = 10_000
const MIB = 1024 * 1024
const NANOS_PER_MINUTE = 60_000_000_000
const OWNERS: Readonly<Record<StreamName, string>> = {
  TRIGGERS: 'a coordinator',
  WORK: 'a registry',
  REPORTS: 'a coordinator',
  LOGS: 'a logger',
  EVENTS: 'a coordinator',
}

/** Each stream: whether it is there, how full it is, and how far behind its readers are. */
export async function checkStreams(context: CheckContext): Promise<Finding[]> {
  const names = Object.keys(STREAMS) as StreamName[]
  return (await Promise.all(names.map((name) => checkStream(context, name)))).flat()
}

async function checkStream({ broker }: CheckContext, name: StreamName): Promise<Finding[]> {
  const part = `stream ${name}`
  try {
    const { state, config } = await broker.manager.streams.info(name)
    const percent = config.max_bytes > 0 ? (state.bytes / config.max_bytes) * 100 : 0
    const text = `${counted(state.messages, 'message')}, ${(state.bytes / MIB).toFixed(1)} of ${Math.round(config.max_bytes / MIB)} MiB`
    const isFilling = percent >= FULL_PERCENT && STREAMS[name].discard === 'new'
    const readers = await checkReaders({ broker, name })
    return [isFilling ? wrong(part, `${Math.round(percent)} % full: ${text}`, fullRemedy(name)) : well(part, text), ...readers]
  } catch (error) {
    if (isStreamMissing(error)) return [wrong(part, 'it is missing', `Start ${OWNERS[name]}: it makes the stream.`)]
    return [failed(part, error)]
  }
}

const fullRemedy = (name: StreamName) =>
  name === 'WORK'
    ? 'Start more executors, or raise the limit of the stream.'
    : `Start ${OWNERS[name]}, or more of them; raise the limit of the stream.`

async function checkReaders({ broker, name }: { broker: CheckContext['broker']; name: StreamName }): Promise<Finding[]> {
  const findings: Finding[] = []
  const shared = name in SERVICE_CONSUMERS ? SERVICE_CONSUMERS[name as keyof typeof SERVICE_CONSUMERS] : undefined
  let isSharedThere = shared === undefined
  for await (const consumer of broker.manager.consumers.list(name)) {
    // Readers without a durable name come and go with their readers.
    if (consumer.config.durable_name === undefined) continue
    isSharedThere ||= consumer.name === shared
    findings.push(readerFinding(name, consumer))
  }
  if (!isSharedThere) findings.push(wrong(`readers of ${name}`, 'there are none', `Start ${OWNERS[name]}.`))
  return findings
}

type Reader = Awaited<ReturnType<CheckContext['broker']['manager']['consumers']['info']>>

function readerFinding(stream: StreamName, consumer: Reader): Finding {
  const part = stream === 'WORK' ? `work for ${consumer.name.replace('~', '/')}` : `readers of ${stream}`
  const text = `${consumer.num_pending.toLocaleString('en')} waiting, ${consumer.num_ack_pending.toLocaleString('en')} under way`
  if (consumer.paused) {
    const minutes = Math.ceil((consumer.pause_remaining ?? 0) / NANOS_PER_MINUTE)
    return wrong(
      part,
      `paused for ${counted(minutes, 'more minute')}: ${text}`,
      `Resume it: nats consumer resume ${stream} ${consumer.name}`,
    )
  }
  if (consumer.num_pending <= MAX_BACKLOG) return well(part, text)
  return wrong(part, `a backlog: ${text}`, fullRemedy(stream))
}
