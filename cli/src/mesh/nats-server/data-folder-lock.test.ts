import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { CarillonError } from '@carillon/contracts'
import { lockDataFolder } from './data-folder-lock.ts'
import { runOtherNode } from './testing-node.ts'

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-lock-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function isInUse(folder: string, pid: number | undefined): (error: CarillonError) => boolean {
  return (error) => {
    assert.equal(error.code, 'DATA_FOLDER_IN_USE')
    assert.equal(error.message, `The data folder ${folder} is in use by process ${pid}.`)
    assert.match(error.details.hint ?? '', /--data/)
    return true
  }
}

const holdLock = (folder: string): string => `
  import { lockDataFolder } from './data-folder-lock.js'
  // Held, or it would be collected as garbage, and released.
  globalThis.lock = lockDataFolder(${JSON.stringify(folder)})
  console.log('locked')
  process.stdin.resume()`

describe('lockDataFolder', () => {
  it('creates the folder and lets one in at a time', (t) => {
    const folder = join(temporaryFolder(t), 'new', 'data')
    const first = lockDataFolder(folder)
    assert.throws(() => lockDataFolder(folder), isInUse(folder, process.pid))
    first.release()
    first.release()
    const second = lockDataFolder(folder)
    first.release()
    assert.throws(() => lockDataFolder(folder), isInUse(folder, process.pid))
    second.release()
  })

  it('knows a folder by any of its names', (t) => {
    const parent = temporaryFolder(t)
    const lock = lockDataFolder(join(parent, 'data'))
    symlinkSync(join(parent, 'data'), join(parent, 'alias'))
    assert.throws(() => lockDataFolder(join(parent, 'alias')), isInUse(join(parent, 'data'), process.pid))
    lock.release()
  })

  it('holds against another process, names it, and ends when it is killed', async (t) => {
    const folder = temporaryFolder(t)
    const holder = await runOtherNode(t, holdLock(folder))
    assert.throws(() => lockDataFolder(folder), isInUse(folder, holder.child.pid))
    await holder.kill9()
    const lock = lockDataFolder(folder)
    assert.equal(readFileSync(join(folder, 'carillon.pid'), 'utf8'), `${process.pid}\n`)
    lock.release()
  })

  it('refuses a folder that cannot be made or written', (t) => {
    const parent = temporaryFolder(t)
    writeFileSync(join(parent, 'file'), '')
    for (const folder of [join(parent, 'file'), join(parent, 'file', 'data'), '/proc/carillon']) {
      assert.throws(
        () => lockDataFolder(folder),
        (error: CarillonError) => {
          assert.equal(error.code, 'DATA_FOLDER_NOT_WRITABLE')
          assert.equal(error.details.value, JSON.stringify(folder))
          return true
        },
      )
    }
  })
})
