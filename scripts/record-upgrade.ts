/**
 * `node scripts/record-upgrade.ts [BUILD]`: records what a built version of Carillon leaves behind when all of it dies with work under way, as text in
 * `test/fixtures/upgrade/<its version>/`. Default: this one. The upgrade test opens every recording with the newest version.
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { findMongodb } from './mongodb.ts'

const natsServer = spawnSync(process.execPath, ['scripts/nats-server.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (natsServer.status !== 0) process.exit(natsServer.status ?? 1)
const mongodb = await findMongodb({ say: (line) => console.error(`record-upgrade: ${line}`) })
if ('skipped' in mongodb) throw new Error(`no MongoDB engine: ${mongodb.skipped}`)
try {
  const build = resolve(process.argv[2] ?? '.')
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', 'test/dist/upgrade/record-main.js', build], {
    env: {
      ...process.env,
      CARILLON_NATS_SERVER: natsServer.stdout.trim().split('\n').at(-1),
      CARILLON_TEST_MONGODB_URL: mongodb.url,
    },
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} finally {
  await mongodb.stop()
}
