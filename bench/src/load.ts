import { connect } from '@carillon/sdk'

/** What a load is to do. Each has a process of its own: what it costs to send much must not show in the figures of others. */
export type Load =
  | { readonly what: 'runs'; readonly handler: string; readonly count: number; readonly kib: number; readonly delayMs?: number }
  | { readonly what: 'lists'; readonly limit: number; readonly times: number }
  | { readonly what: 'shards'; readonly count: number; readonly kib: number }
  | { readonly what: 'jobs'; readonly count: number; readonly kib: number; readonly at: number }

const CHUNK = 5_000
const CONNECTIONS = 8
const IN_FLIGHT = 16
const HOUR_MS = 3_600_000

const servers = process.env['CARILLON_NATS_URL'] ?? ''
const connections = await Promise.all(
  Array.from({ length: CONNECTIONS }, () => connect({ servers, service: 'bench-load', namespace: 'bench', signals: false })),
)
const clients = connections.map(({ client }) => client)
const client = clients[0] as (typeof clients)[0]
const text = (kib: number) => (kib === 0 ? undefined : { text: 'x'.repeat(kib * 1_024) })

async function runs({ handler, count, kib, delayMs }: Extract<Load, { what: 'runs' }>): Promise<void> {
  const request = { job: handler, payload: text(kib), ...(delayMs === undefined ? {} : { delayMs }) }
  let left = count
  const start = async (of: typeof client) => {
    while (left > 0) {
      const some = Math.min(left, kib === 0 ? CHUNK : Math.ceil(count / CONNECTIONS))
      left -= some
      const outcomes = await of.runMany(
        Array.from({ length: some }, () => request),
        { giveUpAfterMs: HOUR_MS },
      )
      const refused = outcomes.find((outcome) => !outcome.ok)
      if (refused?.ok === false) throw refused.error
    }
  }
  await Promise.all((kib === 0 ? clients.slice(0, 2) : clients).map(start))
}

/** What `carillon runs list --limit` asks for. */
async function lists({ limit, times }: Extract<Load, { what: 'lists' }>): Promise<void> {
  const list = async (of: typeof client) => {
    let left = limit
    for await (const _run of of.runs.list({ limit })) if (--left === 0) break
  }
  await Promise.all(Array.from({ length: times }, (_, i) => list(clients[i % CONNECTIONS] as typeof client)))
}

async function shards({ count, kib }: Extract<Load, { what: 'shards' }>): Promise<void> {
  const run = await client.run('bulk', text(kib), { shards: count })
  await run.result({ timeoutMs: HOUR_MS })
}

/** Jobs that are due at the same instant. */
async function jobs({ count, kib, at }: Extract<Load, { what: 'jobs' }>): Promise<void> {
  let next = 0
  const put = async () => {
    for (let i = next++; i < count; i = next++) {
      await client.jobs.put({
        name: `due-${i}`,
        handler: 'due',
        payload: text(kib),
        schedule: { at: new Date(at).toISOString() },
      })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, put))
}

const LOADS: { [What in Load['what']]: (load: Extract<Load, { what: What }>) => Promise<void> } = { runs, lists, shards, jobs }
process.on('message', (load: Load) => {
  ;(LOADS[load.what] as (load: Load) => Promise<void>)(load).then(
    () => process.send?.('done'),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
