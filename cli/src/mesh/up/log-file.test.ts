import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { LogFile } from './log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'carillon-log-'))
after(() => rmSync(folder, { recursive: true }))

const entry = (level: number, msg: string, more = {}) => `${JSON.stringify({ level, name: 'registry', msg, ...more })}\n`

describe('the log file', () => {
  it('keeps every line, and says warnings shortly and once', () => {
    const lines: string[] = []
    const file = new LogFile(join(folder, 'a.log'), (line) => lines.push(line))
    file.write(entry(30, 'fine'))
    file.write(entry(40, 'the broker is away'))
    file.write(entry(40, 'the broker is away'))
    file.write(entry(50, 'a call failed', { err: { message: 'disk full' } }))
    file.close()
    assert.equal(readFileSync(file.path, 'utf8').split('\n').length, 5)
    assert.deepEqual(lines, ['warning: registry: the broker is away', 'error: registry: a call failed: disk full'])
  })

  it('is put aside when it is large', () => {
    const path = join(folder, 'b.log')
    const file = new LogFile(path, () => undefined)
    const long = entry(30, 'x'.repeat(1_000_000))
    for (let count = 0; count < 25; count++) file.write(long)
    file.close()
    const names = readdirSync(folder).filter((name) => name.startsWith('b.log'))
    assert.deepEqual(names.sort(), ['b.log', 'b.log.1'])
    for (const name of names) assert.ok(statSync(join(folder, name)).size < 12_000_000)
  })
})
