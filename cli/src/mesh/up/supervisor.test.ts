import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Child, Supervisor } from './supervisor.ts'

/** Children that live in memory: `end` is the last one's crash. */
function nursery(options: { failingStarts?: number } = {}) {
  let failing = options.failingStarts ?? 0
  const lines: string[] = []
  const born: { end: (how: string) => void; isStopped: boolean }[] = []
  const waiting: (() => void)[] = []
  const start = async (): Promise<Child> => {
    if (born.length > 0 && failing-- > 0) throw new Error('port in use')
    let end: (how: string) => void = () => undefined
    const exited = new Promise<string>((resolve) => {
      end = resolve
    })
    const entry = { end, isStopped: false }
    born.push(entry)
    for (const resolve of waiting.splice(0)) resolve()
    const stop = async () => {
      entry.isStopped = true
      end('stopped')
    }
    return { exited, stop }
  }
  const supervisor = new Supervisor({ name: 'child', start, say: (line) => lines.push(line), firstDelayMs: 1, longestDelayMs: 4 })
  return { supervisor, born, lines, nextBirth: () => new Promise<void>((resolve) => waiting.push(resolve)) }
}

describe('a supervised child', () => {
  it('is started again when it ends by itself, and this is reported', async () => {
    const { supervisor, born, lines, nextBirth } = nursery()
    await supervisor.start()
    const birth = nextBirth()
    born[0]?.end('signal SIGKILL')
    await birth
    await supervisor.stop()
    assert.deepEqual(lines.slice(0, 1), ['child ended by itself (signal SIGKILL); starting it again'])
    assert.equal(born.length, 2)
    assert.equal(born[1]?.isStopped, true)
  })

  it('is tried again when it does not start', async () => {
    const { supervisor, born, lines, nextBirth } = nursery({ failingStarts: 2 })
    await supervisor.start()
    const birth = nextBirth()
    born[0]?.end('exit code 1')
    await birth
    await supervisor.stop()
    assert.equal(lines.filter((line) => line === 'child does not start: port in use; trying again').length, 2)
  })

  it('is left alone once it was stopped', async () => {
    const { supervisor, born, lines } = nursery()
    await supervisor.start()
    await supervisor.stop()
    await supervisor.stop()
    assert.deepEqual([born.length, lines], [1, []])
  })

  it('need not have been started to be stopped', async () => {
    await nursery().supervisor.stop()
  })
})
