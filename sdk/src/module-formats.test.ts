import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const folder = dirname(fileURLToPath(import.meta.url))
const script = `const { connect, NonRetryableError } = require('@carillon/sdk'); console.log(typeof connect, typeof NonRetryableError)`

/** Nodes of this machine that can `require` a module: this one, and another on the path of the system. */
const candidates = [process.execPath, '/usr/bin/node', '/usr/local/bin/node'].filter((path) => existsSync(path))

for (const node of new Set(candidates)) {
  test(`a CommonJS service can require the SDK under ${node}`, async (t) => {
    const { stdout: version } = await run(node, ['--version'])
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
    if (major < 20 || (major === 20 && minor < 19)) return t.skip(`${version.trim()} is too old`)
    const { stdout } = await run(node, ['-e', script], { cwd: join(folder, '..') })
    assert.equal(stdout.trim(), 'function function')
  })
}
