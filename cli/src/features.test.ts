/** docs/FEATURES.md shows what there is: its commands are parsed by the command line itself, its lines of TypeScript are compiled. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CALLS } from '@carillon/contracts'
import type { Command } from 'commander'
import { createProgram } from './program.ts'

const ROW = /^\| (?<feature>.+?) \| (?:`(?<command>.+?)`|–) \| (?:`(?<line>.+?)`|–) \|$/
const rows = readFileSync(new URL('../../docs/FEATURES.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((text) => text.startsWith('| ') && !/^\| (Feature|---) \|/.test(text))
  .map((text) => ({ text, ...(ROW.exec(text)?.groups as { command?: string; line?: string } | undefined) }))
const shown = (field: 'command' | 'line') => rows.flatMap((row) => row[field]?.replaceAll('\\|', '|') ?? [])

const words = (command: string) => [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? (plain as string))

/** Parses without doing anything. */
function parserOf(program: Command): Command {
  const calm = (command: Command) => {
    command.action(() => undefined)
    for (const child of command.commands) calm(child)
  }
  for (const child of program.commands) calm(child)
  return program
}

test('every row is read', () => {
  assert.deepEqual(
    rows.filter(({ text }) => !ROW.test(text)).map(({ text }) => text),
    [],
  )
  assert.ok(rows.length > 60 && shown('command').length > 40 && shown('line').length > 60, `${rows.length} rows`)
})

for (const command of shown('command').filter((text) => text.startsWith('carillon ')))
  test(command, async () => {
    await parserOf(createProgram()).parseAsync(words(command).slice(1), { from: 'user' })
  })

test('calls that are made by nats exist', () => {
  const calls = Object.values(CALLS).map(({ noun, verb }) => `carillon.default.api.${noun}.${verb}`)
  const asked = shown('command').flatMap((command) => (command.startsWith('nats req ') ? words(command)[2] : []))
  assert.deepEqual(
    asked.filter((subject) => !calls.includes(subject as string)),
    [],
  )
  assert.ok(asked.length > 0)
})

const PREAMBLE = `import { commandHandler, httpHandler, shardingDemo } from '@carillon/handlers'
import { CALLS, type Client, connect, defineHandler, type Mesh, type MongoSession, natsSettingsFrom, NonRetryableError, type PostgresClient, RetryAfterError, retryHeaders, retryScope, type TaskContext, workflow } from '@carillon/sdk'
import { testMesh } from '@carillon/sdk/testing'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
declare const mesh: Mesh, client: Client, ctx: TaskContext, id: string
declare const session: MongoSession, pool: PostgresClient
declare function sum(results: AsyncIterable<number>): Promise<number>
const inMemory = testMesh()
const pay = defineHandler({ name: 'pay', input: z.object({ cents: z.int() }), output: z.object({ receipt: z.string() }) })
`

test('the lines of TypeScript compile', async () => {
  const require = createRequire(import.meta.url)
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
  const folder = mkdtempSync(fileURLToPath(new URL('../.features-', import.meta.url)))
  try {
    const lines = shown('line').map((line) => `void (async () => {\n${line}\n})`)
    writeFileSync(join(folder, 'lines.ts'), [PREAMBLE, ...lines].join('\n;'))
    const compilerOptions = { strict: true, noEmit: true, target: 'es2024', module: 'nodenext', types: ['node'], skipLibCheck: true }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['lines.ts'] }))
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', folder]).catch((error: { stdout: string }) => error)
    assert.equal(stdout, '')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
