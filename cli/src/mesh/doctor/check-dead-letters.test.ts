import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarillonError, type DeadLetter } from '@carillon/contracts'
import type { Client } from '../../client/client.ts'
import { checkDeadLetters } from './check-dead-letters.ts'

const letter = (index: number, fields: Partial<DeadLetter> = {}): DeadLetter => ({
  id: `letter-${index}`,
  scene: `scene-${index % 5}`,
  state: 'failed',
  attempts: 5,
  requestedAt: '2030-01-01T00:00:00.000Z',
  at: new Date(Date.UTC(2030, 0, 1) - index * 1_000).toISOString(),
  ...fields,
})

const check = (answer: () => unknown) => checkDeadLetters({ client: { call: async () => answer() } as unknown as Client })

test('many letters of many scenes: one page is read, and it says so', async () => {
  const items = Array.from({ length: 1_000 }, (_, index) => letter(index, index % 10 === 0 ? { redrivenAs: 'other' } : {}))
  const [finding] = await check(() => ({ items, next: 'more' }))
  assert.equal(finding?.ok, false)
  assert.match(
    finding?.message ?? '',
    /^900 calls given up, .*: scene-1 200, scene-2 200, scene-3 200, 2 more scenes; the oldest .*; only the newest 1,000 were read$/,
  )
})

test('those that were redriven need no decision; without a coordinator nothing is said', async () => {
  assert.deepEqual(await check(() => ({ items: [letter(0, { redrivenAs: 'other' })] })), [
    { part: 'dead letters', ok: true, message: 'none waits for a decision' },
  ])
  const none = check(() => {
    throw new CarillonError('NO_SERVICE', 'none')
  })
  assert.deepEqual(await none, [])
})
