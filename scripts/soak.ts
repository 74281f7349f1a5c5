/** `npm run soak`: gets a nats-server and, where it is asked for, a MongoDB engine, then soaks: see `test/src/soak/main.ts` for the options. */
import { spawnSync } from 'node:child_process'
import { findMongodb } from './mongodb.ts'

const natsServer = spawnSync(process.execPath, ['scripts/nats-server.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (natsServer.status !== 0) process.exit(natsServer.status ?? 1)
const environment: NodeJS.ProcessEnv = { ...process.env, CARILLON_NATS_SERVER: natsServer.stdout.trim().split('\n').at(-1) }

const mongodb = process.argv.includes('mongodb') ? await findMongodb({ say: (line) => console.error(`soak: ${line}`) }) : undefined
if (mongodb && 'skipped' in mongodb) throw new Error(`no MongoDB engine: ${mongodb.skipped}`)
if (mongodb) environment['CARILLON_TEST_MONGODB_URL'] = mongodb.url
try {
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', 'test/dist/soak/main.js', ...process.argv.slice(2)], {
    env: environment,
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} finally {
  await mongodb?.stop()
}
