/**
 * Every night 10,000 files are loaded, 200 at a time. A file that cannot be read is not tried again, a warehouse that is busy is; up to 50 such files do no
 * harm. The last node reads how many there were: `node nightly-etl.js` loads a night by hand.
 */
import { connect, NonRetryableError, natsSettingsFrom, workflow } from '@carillon/sdk'
import { z } from 'zod'

const FILES = 10_000
/** Which night: that of the slot, unless a run by hand says another one. */
const night = z.object({ day: z.iso.date().optional() })

const etl = workflow('nightly-etl', {
  input: night,
  payload: {},
  schedule: { cron: '0 2 * * *', timezone: 'Europe/Paris' },
  output: 'nodes.report.result',
})
  .node('list', { handler: 'list-files', attempts: 3 })
  .node('load', {
    foreach: 'nodes.list.result.files',
    handler: 'load-file',
    maxParallel: 200,
    tolerate: 50,
    attempts: 3,
    backoff: { type: 'fixed', delayMs: 100 },
    after: 'list',
  })
  .node('report', { handler: 'report-night', payload: 'nodes.load.result', after: 'load' })
  .done()

/** The warehouse: what is loaded once more replaces what it has of that file, so a task that was lost after its write does no harm. */
const warehouse = new Map<string, number>()
const tries = new Map<string, number>()

const mesh = await connect({ ...natsSettingsFrom(process.env), service: 'etl' })
mesh.handle(
  'list-files',
  ({ payload, slot }) => {
    const day = payload.day ?? slot?.slice(0, 10)
    if (day === undefined) throw new NonRetryableError('A run by hand says which day: {"day":"2026-11-26"}')
    return { files: Array.from({ length: FILES }, (_, i) => `${day.slice(8)}/${i}.csv`) }
  },
  { input: night },
)
mesh.handle(
  'load-file',
  (ctx) => {
    const file = ctx.payload
    const times = (tries.get(file) ?? 0) + 1
    tries.set(file, times)
    if (file.endsWith('/13.csv') || file.endsWith('/4711.csv')) throw new NonRetryableError(`${file} is no CSV`)
    if (file.endsWith('500.csv') && times === 1) throw new Error('the warehouse is busy')
    warehouse.set(file, file.length)
  },
  { concurrency: 200, input: z.string() },
)
mesh.handle('report-night', ({ payload }) => payload, { input: z.object({ total: z.number(), succeeded: z.number(), failed: z.number() }) })
await mesh.start()

await mesh.client.workflows.put(etl)
const run = await mesh.client.run(etl, { day: '2026-11-26' })
console.log(JSON.stringify(await run.result({ timeoutMs: 60_000 })))
console.log(`${warehouse.size} files in the warehouse, ${[...tries.values()].filter((times) => times > 1).length} at the second try`)
await mesh.stop()
