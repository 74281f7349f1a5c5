import { parseCronItems, run } from 'graphile-worker'
import { type GraphileTuning, graphilePreset } from './graphile-preset.ts'
import { WorkerNotes } from './worker.ts'

const { CARILLON_BENCH_URL: url = '', CARILLON_BENCH_TUNING: tuning, CARILLON_BENCH_CRON: cron } = process.env
const notes = new WorkerNotes()
const tasks = Object.fromEntries(['noop', 'start'].map((name) => [name, async (data: unknown) => void notes.handle(name, data)]))
/** The jobs that are due once a minute: so many, and from when on. */
const { jobs, at } = JSON.parse(cron ?? '{"jobs":0,"at":0}') as { jobs: number; at: number }
const items = Array.from({ length: jobs }, (_, i) => ({ task: 'start', match: '* * * * *', identifier: `due-${i}`, payload: { at } }))
const runner = await run({ preset: graphilePreset(url, tuning as GraphileTuning) }, tasks, parseCronItems(items))
runner.events.on('job:complete', ({ job }) => notes.ended(job.task_identifier))
process.on('SIGTERM', () => void runner.stop().then(() => process.exit()))
notes.ready()
