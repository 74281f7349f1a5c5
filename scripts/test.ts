/**
 * `npm test`: gets what is missing (a nats-server, a MongoDB engine), then runs every test in one call of node's test runner.
 * `npm test -- sdk store` runs only the tests of those folders.
 */
import { spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { findMongodb } from './mongodb.ts'
import { endStuckTests } from './stuck-tests.ts'

const say = (line: string) => console.error(`test: ${line}`)
const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const files = globSync(
  '{contracts,wire,expressions,store,runtime,sdk,handlers,services/*,console,cli,test,bench,examples}/dist/**/*.test.js',
)
  .filter((file) => folders.length === 0 || folders.some((folder) => file.startsWith(`${folder}/`)))
  .sort()

const natsServer = spawnSync(process.execPath, ['scripts/nats-server.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (natsServer.status !== 0) process.exit(natsServer.status ?? 1)

// Elsewhere the tests of the console are skipped with a reason: a browser is not installed behind anyone's back.
if (process.env['CI'] === 'true') spawnSync(process.execPath, ['scripts/chromium.ts'], { stdio: 'inherit' })

const mongodb = await findMongodb({ say })
if ('skipped' in mongodb) say(`MongoDB tests are skipped: ${mongodb.skipped}`)
else say(`MongoDB tests use ${mongodb.kind}`)

const environment = { ...process.env, CARILLON_NATS_SERVER: natsServer.stdout.trim().split('\n').at(-1) }

/** Tests that kill the database under whatever runs beside them: they come last and alone. */
const KILLS_DATABASE = /(mongo\/crash|chaos\/mongodb)[^/]*\.test\.js$/

/** They start whole meshes and wait for real time-outs: most of their time needs no processor, so others run beside them. */
const WAITS = /^test\//

/** Three times what the whole takes on two cores, with a browser: the host may have other work. */
const LIMIT_MS = 45 * 60_000

interface RunOptions {
  /** Files at once. */
  readonly concurrency: number
  readonly more: Readonly<Record<string, string>>
  /** Its output is kept and shown by `show`, for it would mix with that of another one. Default false. */
  readonly isBeside?: boolean
}

interface TestRun {
  readonly code: Promise<number>
  /** Writes what was kept. */
  show(): void
}

function run(these: readonly string[], { concurrency, more, isBeside = false }: RunOptions): TestRun {
  if (these.length === 0) return { code: Promise.resolve(0), show: () => undefined }
  const flags = ['--enable-source-maps', '--test', `--test-concurrency=${concurrency}`, '--test-timeout=300000']
  // A group of its own, so that nothing of it is left when it must be ended.
  const tests = spawn(process.execPath, [...flags, ...these], {
    env: { ...environment, ...more },
    stdio: ['ignore', isBeside ? 'pipe' : 'inherit', 'inherit'],
    detached: true,
  })
  const kept: Buffer[] = []
  tests.stdout?.on('data', (chunk: Buffer) => void kept.push(chunk))
  const stopWatching = endStuckTests(tests.pid as number, say)
  const end = (signal: NodeJS.Signals) => process.kill(-(tests.pid as number), signal)
  const limit = setTimeout(() => {
    say(`not done after ${LIMIT_MS / 60_000} minutes: ended`)
    end('SIGKILL')
  }, LIMIT_MS)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const code = new Promise<number>((resolve) =>
    tests.on('close', (given) => {
      clearTimeout(limit)
      stopWatching()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end)
      resolve(given ?? 1)
    }),
  )
  return { code, show: () => process.stdout.write(Buffer.concat(kept)) }
}

const found = 'skipped' in mongodb ? undefined : mongodb
const more: Record<string, string> = found ? { CARILLON_TEST_MONGODB_URL: found.url } : {}
const others = files.filter((file) => !KILLS_DATABASE.test(file))
const waiting = run(
  others.filter((file) => WAITS.test(file)),
  { concurrency: 2, more },
)
const computing = run(
  others.filter((file) => !WAITS.test(file)),
  { concurrency: folders.length === 0 ? 1 : 2, more, isBeside: true },
)
const codes = await Promise.all([waiting.code, computing.code])
computing.show()
const deadly = run(
  files.filter((file) => KILLS_DATABASE.test(file)),
  { concurrency: 1, more: { ...more, ...found?.environment } },
)
codes.push(await deadly.code)
await found?.stop()
process.exit(codes.find((code) => code !== 0) ?? 0)
