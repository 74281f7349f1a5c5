import { Worker } from 'bullmq'
import { QUEUE, WorkerNotes } from './worker.ts'

const notes = new WorkerNotes()
const connection = { host: '127.0.0.1', port: Number(process.env['CARILLON_BENCH_PORT']) }
const worker = new Worker(QUEUE, async ({ name, data }) => notes.handle(name, data), { connection, concurrency: 100 })
worker.on('completed', ({ name }) => notes.ended(name))
await worker.waitUntilReady()
notes.ready()
