import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const service = `import { connect } from '@carillon/sdk'
const mesh = await connect({ service: 'billing' })
mesh.handle<{ to: string }>('send', async (ctx) => ctx.payload.to.length)
await mesh.start()
`

test('a service compiles with the types of the SDK checked, on plain settings', async (t) => {
  // Inside of this package, so that its name resolves.
  const folder = mkdtempSync(join(fileURLToPath(new URL('..', import.meta.url)), 'types-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, types: [], skipLibCheck: false }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['service.ts'] }))
  writeFileSync(join(folder, 'service.ts'), service)
  const { stdout } = await run(process.execPath, [compiler, '-p', folder]).catch((error: { stdout: string }) => error)
  assert.equal(stdout, '')
})
