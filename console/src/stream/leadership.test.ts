import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../time/clock.ts'
import { Leadership } from './leadership.ts'

/** Timers that run when the test says so. */
class SteppedClock implements Clock {
  #now = 0
  readonly #timers: { at: number; run: () => void }[] = []
  isFrozen = false

  now(): number {
    return this.#now
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.push(timer)
    return () => void this.#timers.splice(this.#timers.indexOf(timer) >>> 0, 1)
  }

  step(ms: number): void {
    this.#now += ms
    if (this.isFrozen) return
    for (const timer of this.#timers.filter(({ at }) => at <= this.#now)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      timer.run()
    }
  }
}

/** Tabs without locks: Node.js before 24 has none, as a page on plain HTTP. */
function openTab(tab: string, name: string) {
  const clock = new SteppedClock()
  const state = { isLeader: false }
  const leadership = new Leadership({
    ...{ name, tab, clock, chance: () => 0 },
    onLead: () => {
      state.isLeader = true
    },
    onYield: () => {
      state.isLeader = false
    },
  })
  return { clock, leadership, state }
}

/** Messages between tabs are delivered. */
const delivered = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

async function pass(tabs: readonly ReturnType<typeof openTab>[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const { clock } of tabs) clock.step(500)
    for (let i = 0; i < 5; i++) await delivered()
  }
}

test('without locks one tab leads; when it is gone another one does, and of two the lesser name stays', async (t) => {
  Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true })
  t.after(() => Reflect.deleteProperty(navigator, 'locks'))
  const tabs = ['b', 'a', 'c'].map((tab) => openTab(tab, `lead-${process.pid}`))
  t.after(() => {
    for (const { leadership } of tabs) leadership.stop()
  })
  const leaders = () => tabs.filter(({ state }) => state.isLeader)
  for (const { leadership } of tabs) leadership.start()
  await pass(tabs, 10_000)
  assert.equal(leaders().length, 1)
  const [first] = leaders()
  first?.leadership.stop()
  tabs.splice(tabs.indexOf(first as (typeof tabs)[number]), 1)
  await pass(tabs, 10_000)
  assert.equal(leaders().length, 1)
})
