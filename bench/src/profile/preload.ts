/**
 * Loaded into each node process of a profiled measurement before anything else (`--import`), and into its threads: profiles the thread when the bench says
 * so over a socket. It does not keep the process alive.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { threadId } from 'node:worker_threads'
import { type Answer, type Command, PROFILE_SOCKET } from './threads.ts'

const SAMPLING_US = 200
/** A sample in so many bytes on the average: V8's own. */
const SAMPLING_BYTES = 32_768

let session: Session | undefined

async function start(kind: Command['kind']): Promise<void> {
  session = new Session()
  session.connect()
  if (kind === 'cpu') {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_US })
    await session.post('Profiler.start')
    return
  }
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLING_BYTES,
    // What was allocated and collected since is the cost that is looked for.
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
}

async function stop(kind: Command['kind'], file: string): Promise<void> {
  if (!session) throw new Error('this thread does not profile')
  const { profile } = kind === 'cpu' ? await session.post('Profiler.stop') : await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  session = undefined
  writeFileSync(file, JSON.stringify(profile))
}

const path = process.env[PROFILE_SOCKET]
if (path) {
  const socket = connect(path).unref()
  // The bench has ended, and this process is about to.
  socket.on('error', () => undefined)
  const answer = (of: Answer) => socket.write(`${JSON.stringify(of)}\n`)
  answer({ pid: process.pid, threadId, program: process.argv[1] ?? '' })
  createInterface(socket).on('line', (line) => {
    const { kind, file } = JSON.parse(line) as Command
    const done = file === undefined ? start(kind) : stop(kind, file)
    done.then(
      () => answer({ done: true }),
      (error: Error) => answer({ error: error.message }),
    )
  })
}
