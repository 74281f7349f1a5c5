import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pause } from '@carillon/wire/internal'
import { inOrder, LoopService, type Service } from './lifecycle.ts'
import { exerciseService, FakeClock, settle } from './testing/index.ts'

class Ticker extends LoopService {
  readonly clock: FakeClock
  ticks = 0
  running = 0
  most = 0
  failures: unknown[] = []
  preparing: () => Promise<void> = () => Promise.resolve()
  step: () => void = () => undefined

  constructor(clock = new FakeClock()) {
    super()
    this.clock = clock
  }

  protected override prepare(): Promise<void> {
    return this.preparing()
  }

  protected async run(signal: AbortSignal): Promise<void> {
    this.most = Math.max(this.most, ++this.running)
    try {
      while (await pause(this.clock, 1_000, signal)) {
        this.ticks++
        this.step()
      }
    } finally {
      this.running--
    }
  }

  protected onFailure(error: unknown): void {
    this.failures.push(error)
  }
}

test('a loop keeps the contract of services, and never runs twice at once', async () => {
  const ticker = new Ticker()
  await exerciseService(ticker, { isActive: () => ticker.clock.armed > 0 || ticker.running > 0 })
  assert.equal(ticker.most, 1)
  assert.deepEqual(ticker.failures, [])
})

test('so does one that prepares, also when it is stopped before', async () => {
  const ticker = new Ticker()
  ticker.preparing = () => settle()
  await exerciseService(ticker, { isActive: () => ticker.clock.armed > 0 })
  assert.equal(ticker.most, 1)
})

test('start resolves when what was to be prepared is done; if it fails, so does start, and the next start tries again', async () => {
  const ticker = new Ticker()
  ticker.preparing = () => Promise.reject(new Error('not yet'))
  await assert.rejects(ticker.start(), /not yet/)
  await settle()
  assert.equal(ticker.clock.armed, 0)
  assert.deepEqual(ticker.failures, [])
  ticker.preparing = () => Promise.resolve()
  await ticker.start()
  await ticker.clock.advance(2_000)
  assert.equal(ticker.ticks, 2)
  await ticker.stop()
})

test('a loop that dies says so, and can be started again', async () => {
  const ticker = new Ticker()
  ticker.step = () => {
    throw new Error('died')
  }
  await ticker.start()
  await ticker.clock.advance(1_000)
  assert.equal((ticker.failures[0] as Error).message, 'died')
  await ticker.stop()
  ticker.step = () => undefined
  await ticker.start()
  await ticker.clock.advance(1_000)
  assert.equal(ticker.ticks, 2)
  await ticker.stop()
})

test('services start in order and stop in reverse; what did not start is not stopped', async () => {
  const calls: string[] = []
  const service = (name: string, fails = false): Service => ({
    start: async () => {
      await settle()
      if (fails) throw new Error(name)
      calls.push(`+${name}`)
    },
    stop: async () => void calls.push(`-${name}`),
  })
  const all = inOrder([service('a'), service('b')])
  const starting = all.start()
  await Promise.all([starting, all.stop()])
  assert.deepEqual(calls.splice(0), ['+a', '+b', '-b', '-a'])
  const broken = inOrder([service('a'), service('b', true), service('c')])
  await assert.rejects(broken.start(), /b/)
  await broken.stop()
  assert.deepEqual(calls, ['+a', '-a'])
})

test('services in order keep the contract, too', async () => {
  const clock = new FakeClock()
  const all = inOrder([new Ticker(clock), new Ticker(clock)])
  await exerciseService(all, { isActive: () => clock.armed > 0 })
})
