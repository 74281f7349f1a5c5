/**
 * `npm test`: gets what is missing (a nats-server, a MongoDB engine), then runs every test in one call of node's test runner.
 * `npm test -- sdk store` runs only the tests of those folders.
 */
import { spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { findMongodb } from './mongodb.ts'

const say = (line: string) => console.error(`test: ${line}`)
const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const files = globSync('{contracts,store,runtime,sdk,services/*,cli,test,bench,examples}/dist/**/*.test.js')
  .filter((file) => folders.length === 0 || folders.some((folder) => file.startsWith(`${folder}/`)))
  .sort()

const natsServer = spawnSync(process.execPath, ['scripts/nats-server.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (natsServer.status !== 0) process.exit(natsServer.status ?? 1)

const mongodb = await findMongodb({ say })
if ('skipped' in mongodb) say(`MongoDB tests are skipped: ${mongodb.skipped}`)
else say(`MongoDB tests use ${mongodb.kind}`)

const environment = {
  ...process.env,
  CARILLON_NATS_SERVER: natsServer.stdout.trim().split('\n').at(-1),
  ...('skipped' in mongodb ? {} : { CARILLON_TEST_MONGODB_URL: mongodb.url }),
}
const tests = spawn(process.execPath, ['--enable-source-maps', '--test', '--test-concurrency=2', '--test-timeout=180000', ...files], {
  env: environment,
  stdio: 'inherit',
})
const code = await new Promise<number>((resolve) => tests.on('exit', (exitCode) => resolve(exitCode ?? 1)))
if (!('skipped' in mongodb)) await mongodb.stop()
process.exit(code)
