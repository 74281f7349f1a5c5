import { PgBoss } from 'pg-boss'
import { QUEUE, WorkerNotes } from './worker.ts'

interface Data {
  readonly name: string
  readonly at: number
}

const notes = new WorkerNotes()
const boss = new PgBoss({ connectionString: process.env['CARILLON_BENCH_URL'] ?? '', useListenNotify: true })
boss.on('error', (error) => console.error(error))
await boss.start()
await boss.work<Data>(QUEUE, { batchSize: 100, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true, perJobResults: true }, async (jobs) =>
  jobs.map(({ id, data }) => ({ id, status: 'completed' as const, output: notes.handle(data.name, data) })),
)
process.on('SIGTERM', () => void boss.stop({ graceful: false }).then(() => process.exit()))
notes.ready()
