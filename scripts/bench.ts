/** `npm run bench`: measures; see bench/src/main.ts for the options, bench/README.md for `--peers`, docs/PERFORMANCE.md for `--profile`. A MongoDB engine is found as the tests find theirs, when its turn comes: even an idle one takes part of a small machine. */
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { findMongodb, type Mongodb } from './mongodb.ts'

let mongodb: Mongodb | undefined
const given = process.argv.slice(2)
const program = given.includes('--profile') ? 'profile/main.js' : given.includes('--peers') ? 'peers/main.js' : 'main.js'
const bench = fork(`bench/dist/${program}`, given, { env: { ...process.env, ...(given.includes('--profile') ? natsServer() : {}) } })
bench.on('message', async () => {
  const found = await findMongodb({ say: (line) => console.error(`bench: ${line}`) })
  if (!('skipped' in found)) mongodb = found
  bench.send({ url: mongodb?.url })
})
const [status] = await once(bench, 'exit')
await mongodb?.stop()
process.exit(status ?? 1)

/** The one that a mesh would find by itself: for its profiler a script takes its place. */
function natsServer(): { CARILLON_NATS_SERVER: string } {
  const found = spawnSync(process.execPath, ['scripts/nats-server.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (found.status !== 0) process.exit(found.status ?? 1)
  return { CARILLON_NATS_SERVER: found.stdout.trim().split('\n').at(-1) as string }
}
