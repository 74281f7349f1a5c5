import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type GatewayProcess, startGateway } from './gateway-process.ts'
import { usageOf } from './mesh-process.ts'
import { percentile } from './percentile.ts'

const [READERS, PER_SECOND, SECONDS, TICK_MS] = [200, 500, 10, 10]
/** Lines a second of one log, as `log.<run>` carries them: 50 a message. */
const [LINES_PER_SECOND, LINES_A_MESSAGE] = [5_000, 50]
const OPENS = 10_000
/** Opens under way at once; a client of each address of the loopback network. */
const [AT_ONCE, ADDRESSES] = [200, 40]
const PATH = '/api/v1/stream?namespace=bench&topics='

const now = () => performance.timeOrigin + performance.now()
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Opens a stream. @returns undefined when it is refused */
async function open(
  { url, cookie }: GatewayProcess,
  path: string,
  { onText, localAddress }: { onText: (text: string) => void; localAddress?: string },
): Promise<IncomingMessage | undefined> {
  const sent = request(url + path, { agent: false, headers: { cookie }, ...(localAddress === undefined ? {} : { localAddress }) })
  sent.on('error', () => undefined)
  sent.end()
  const response = await Promise.race([once(sent, 'response'), once(sent, 'error').then(() => [])])
  const [stream] = response as [IncomingMessage | undefined]
  if (stream?.statusCode !== 200) {
    stream?.destroy()
    return undefined
  }
  stream.on('error', () => undefined)
  stream.setEncoding('utf8').on('data', onText)
  return stream
}

/** Event at the broker → reader, and what 200 readers cost. */
export async function measureStreams(natsUrl: string): Promise<Record<string, object>> {
  const connection = await connect({ servers: natsUrl })
  const gateway = await startGateway(natsUrl)
  try {
    const alone = await measureReaders(gateway, connection, { readers: 1, topic: 'runs' })
    const shared = await measureReaders(gateway, connection, { readers: READERS, topic: 'runs' })
    const log = await measureReaders(gateway, connection, { readers: 1, topic: 'logs:r1' })
    return { '1 reader of runs': alone, [`${READERS} readers of runs`]: shared, '1 reader of a log': log }
  } finally {
    await gateway.stop()
    await connection.close()
  }
}

async function measureReaders(
  gateway: GatewayProcess,
  connection: NatsConnection,
  { readers, topic }: { readers: number; topic: string },
): Promise<object> {
  const before = usageOf(gateway.pid)
  const figures: number[] = []
  let resyncs = 0
  const onText = (text: string) => {
    const at = now()
    for (const [, sent] of text.matchAll(/"(?:handler|message)":"at-([\d.]+)"/g)) figures.push(at - Number(sent))
    if (text.includes('event: resync')) resyncs++
  }
  const streams = await Promise.all(Array.from({ length: readers }, () => open(gateway, PATH + topic, { onText })))
  await pause(1_000)
  const isLog = topic.startsWith('logs')
  const perTick = ((isLog ? LINES_PER_SECOND / LINES_A_MESSAGE : PER_SECOND) * TICK_MS) / 1_000
  let [sent, peakMiB] = [0, 0]
  for (let tick = 1; tick <= (SECONDS * 1_000) / TICK_MS; tick++) {
    for (; sent < tick * perTick; sent++) publish(connection, isLog, sent)
    if (tick % 50 === 0) peakMiB = Math.max(peakMiB, usageOf(gateway.pid).rssMiB)
    await pause(TICK_MS)
  }
  await connection.flush()
  await pause(500)
  const after = usageOf(gateway.pid)
  for (const stream of streams) stream?.destroy()
  await pause(500)
  return {
    readers: streams.filter((stream) => stream !== undefined).length,
    events: figures.length,
    missed: sent * readers * (isLog ? LINES_A_MESSAGE : 1) - figures.length,
    resyncs,
    p50Ms: percentile(figures, 0.5),
    p99Ms: percentile(figures, 0.99),
    moreMiB: peakMiB - before.rssMiB,
    cpuPercent: Math.round((after.cpuMs - before.cpuMs) / (SECONDS * 10)),
  }
}

function publish(connection: NatsConnection, isLog: boolean, number: number): void {
  const text = `at-${now()}`
  if (!isLog) {
    const body = {
      runId: `r${number}`,
      // Notes of progress are not among what readers of all runs get.
      handler: text,
      job: 'report',
      state: 'running',
      attempt: 1,
      progress: { percent: 1 },
    }
    connection.publish(`carillon.bench.live.run.r${number}.progress`, JSON.stringify(body))
    return
  }
  const lines = Array.from({ length: LINES_A_MESSAGE }, (_, i) => ({
    seq: number * LINES_A_MESSAGE + i + 1,
    at: '2026-01-01T00:00:00.000Z',
    level: 'info',
    message: text,
    fields: { order: i, note: 'a line is about so long as this one' },
  }))
  connection.publish('carillon.bench.log.r1', JSON.stringify({ runId: 'r1', taskId: 'r1', attempt: 1, instance: 'i1', lines }))
}

/** 10,000 opens of streams: the gateway lives, and answers others meanwhile. */
export async function measureOpens(natsUrl: string): Promise<object> {
  const gateway = await startGateway(natsUrl)
  const before = usageOf(gateway.pid)
  const taken: IncomingMessage[] = []
  const answers: number[] = []
  let isOpening = true
  const others = (async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (isOpening) {
      answers.push(await answerMs(`${gateway.url}/api/v1/session/ways`, agent))
      await pause(20)
    }
    agent.destroy()
  })()
  try {
    for (let opened = 0; opened < OPENS; opened += AT_ONCE) {
      const address = (i: number) => `127.0.0.${2 + ((opened + i) % ADDRESSES)}`
      const streams = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, i) => open(gateway, `${PATH}runs`, { onText: () => undefined, localAddress: address(i) })),
      )
      for (const stream of streams) if (stream) taken.push(stream)
    }
    isOpening = false
    await others
    const { rssMiB } = usageOf(gateway.pid)
    const figures = { p50Ms: percentile(answers, 0.5), p99Ms: percentile(answers, 0.99), worstMs: percentile(answers, 1) }
    return { opens: OPENS, taken: taken.length, refused: OPENS - taken.length, moreMiB: rssMiB - before.rssMiB, ...figures }
  } finally {
    isOpening = false
    for (const stream of taken) stream.destroy()
    await gateway.stop()
  }
}

async function answerMs(url: string, agent: Agent): Promise<number> {
  const begun = now()
  const sent = request(url, { agent })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return now() - begun
}
