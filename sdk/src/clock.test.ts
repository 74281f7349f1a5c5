import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'

test('what the actions of a turn ask for, themselves or by a promise, is done before the next turn', async () => {
  const order: string[] = []
  const done = new Promise<void>((resolve) => {
    systemClock.nextTurn(() => {
      order.push('action')
      systemClock.nextTurn(() => order.push('asked for'))
      Promise.resolve().then(() => systemClock.nextTurn(() => order.push('asked for by a promise')))
      setImmediate(() => {
        order.push('next turn')
        resolve()
      })
    })
  })
  await done
  assert.deepEqual(order, ['action', 'asked for', 'asked for by a promise', 'next turn'])
})

test('an action that asks again and again lets timers and other turns come between', async () => {
  let isOver = false
  let turns = 0
  const again = () => {
    turns++
    if (!isOver) systemClock.nextTurn(again)
  }
  systemClock.nextTurn(again)
  await new Promise((resolve) => setTimeout(resolve, 1))
  while (turns < 10) await new Promise((resolve) => setImmediate(resolve))
  isOver = true
})
