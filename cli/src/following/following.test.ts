import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogView, RunView } from '@carillon/contracts'
import { LogFollower } from './log-follower.ts'
import { RunWatch } from './run-watch.ts'
import { OneRunClient } from './testing-client.ts'

const RUN: RunView = {
  runId: '01m7yybeay0000x3p1yp1qmpb2',
  handler: 'hello',
  mode: 'single',
  state: 'queued',
  trigger: 'call',
  attempt: 1,
  attempts: 1,
  createdAt: '2030-01-01T00:00:00.000Z',
}
const line = (seq: number): LogView => ({
  runId: RUN.runId,
  taskId: RUN.runId,
  attempt: 1,
  instance: 'i',
  seq,
  at: RUN.createdAt,
  level: 'info',
  message: '',
})
const forever = new AbortController().signal

/** Whether it ends without waiting for time to pass. */
function endsAtOnce(ending: Promise<unknown>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setImmediate(resolve, false))
  return Promise.race([ending.then(() => true), later])
}

describe('watching a run', () => {
  it('looks again whenever something is told, and ends with the run', async () => {
    const client = new OneRunClient(RUN)
    const watch = new RunWatch(client, RUN.runId)
    const states: string[] = []
    const view = ({ state }: RunView) => {
      states.push(state)
      if (state === 'queued') queueMicrotask(() => client.change({ state: 'running' }))
      if (state === 'running') queueMicrotask(() => client.change({ state: 'succeeded' }))
    }
    const ended = await watch.untilEnded({ view }, forever)
    assert.equal(ended?.state, 'succeeded')
    assert.deepEqual(states, ['queued', 'running', 'succeeded'])
    watch.close()
    assert.equal(client.listeners, 0)
  })

  it('reads the end at once, however short ago it has read the run', async () => {
    const client = new OneRunClient(RUN)
    const watch = new RunWatch(client, RUN.runId)
    const view = ({ state }: RunView) => {
      if (state === 'queued') queueMicrotask(() => client.end({}))
    }
    assert.ok(await endsAtOnce(watch.untilEnded({ view }, forever)))
  })

  it('finds an end that nobody told', async () => {
    const client = new OneRunClient(RUN)
    const watch = new RunWatch(client, RUN.runId)
    const view = () => {
      client.run = { ...RUN, state: 'failed' }
    }
    assert.equal((await watch.untilEnded({ view }, forever))?.state, 'failed')
  })

  it('waits for a mesh that is away, and says so once', async () => {
    const client = new OneRunClient({ ...RUN, state: 'succeeded' })
    client.isAway = true
    const codes: string[] = []
    const away = ({ code }: { code: string }) => {
      codes.push(code)
      setImmediate(() => client.change({}))
      if (client.asked.length < 2) return
      client.isAway = false
    }
    const watch = new RunWatch(client, RUN.runId)
    const watching = watch.untilEnded({ view: () => undefined, away }, forever)
    setImmediate(() => {
      client.isAway = false
      client.change({})
    })
    assert.equal((await watching)?.state, 'succeeded')
    assert.deepEqual(codes, ['NO_SERVICE'])
  })

  it('ends without a run when it is interrupted', async () => {
    const client = new OneRunClient(RUN)
    const interrupt = new AbortController()
    const watch = new RunWatch(client, RUN.runId)
    const outcome = await watch.untilEnded({ view: () => interrupt.abort() }, interrupt.signal)
    assert.deepEqual([outcome, watch.last?.state], [undefined, 'queued'])
  })
})

describe('following a log', () => {
  const follow = (client: OneRunClient) => {
    const shown: (number | string)[] = []
    const listener = { line: ({ seq }: LogView) => shown.push(seq), missing: (count: number) => shown.push(`${count} missing`) }
    return { shown, follower: new LogFollower(client, RUN.runId, listener) }
  }

  it('goes from what is stored to what is live without gap or duplicate', async () => {
    const client = new OneRunClient(RUN)
    client.stored = [line(1), line(2)]
    const { shown, follower } = follow(client)
    client.publish(line(3))
    await follower.readStored()
    client.publish(line(4))
    client.stored.push(line(3), line(4), line(5))
    await follower.finish(RUN, false)
    assert.deepEqual(shown, [1, 2, 3, 4, 5])
    assert.equal(client.listeners, 0)
  })

  it('fetches a line that was lost on the way', async () => {
    const client = new OneRunClient(RUN)
    const { shown, follower } = follow(client)
    client.publish(line(1))
    client.publish(line(3))
    client.stored = [line(1), line(2), line(3)]
    await follower.finish(RUN, true)
    assert.deepEqual(shown, [1, 2, 3])
  })

  it('ends at once when every line was shown', async () => {
    const client = new OneRunClient({ ...RUN, instance: 'i' })
    const { shown, follower } = follow(client)
    for (const seq of [1, 2]) client.publish(line(seq))
    assert.ok(await endsAtOnce(follower.finish(client.end({ logLines: 2 }), true)))
    assert.deepEqual([shown, client.listeners, client.asked], [[1, 2], 0, []])
  })

  it('ends at once when there is no line', async () => {
    const client = new OneRunClient(RUN)
    const { follower } = follow(client)
    assert.ok(await endsAtOnce(follower.finish(client.end({ logLines: 0 }), false)))
  })

  it('ends with the last line, whichever comes first: the line, what the run is, or its event', async () => {
    const client = new OneRunClient({ ...RUN, instance: 'i' })
    const { shown, follower } = follow(client)
    client.publish(line(1))
    const finishing = follower.finish({ ...client.run, state: 'succeeded' }, true)
    assert.equal(await endsAtOnce(finishing), false)
    client.end({ logLines: 2 })
    assert.equal(await endsAtOnce(finishing), false)
    client.publish(line(2))
    assert.ok(await endsAtOnce(finishing))
    assert.deepEqual(shown, [1, 2])
  })

  it('fetches last lines that were lost on the way', async () => {
    const client = new OneRunClient({ ...RUN, instance: 'i' })
    const { shown, follower } = follow(client)
    client.publish(line(1))
    client.stored = [line(1), line(2), line(3)]
    await follower.finish(client.end({ logLines: 3 }), true)
    assert.deepEqual(shown, [1, 2, 3])
  })

  it('ends at once when the run was over long before', async () => {
    const client = new OneRunClient({ ...RUN, state: 'succeeded', endedAt: '2020-01-01T00:00:00.000Z' })
    const { shown, follower } = follow(client)
    client.stored = [line(1)]
    assert.ok(await endsAtOnce(follower.finish(client.run, false)))
    assert.deepEqual(shown, [1])
  })

  it('waits for late lines where their number is not known: of a run with earlier attempts, or without a count', async () => {
    for (const [run, event] of [
      [{ ...RUN, attempt: 2 }, { logLines: 0 }],
      [RUN, {}],
    ] as const) {
      const client = new OneRunClient(run)
      const { shown, follower } = follow(client)
      const finishing = follower.finish(client.end(event), true)
      assert.equal(await endsAtOnce(finishing), false)
      client.publish(line(1))
      await finishing
      assert.deepEqual(shown, [1])
    }
  })

  it('shows what it has when there is no logger', async () => {
    const client = new OneRunClient(RUN)
    client.isAway = true
    const { shown, follower } = follow(client)
    client.publish(line(1))
    client.publish(line(4))
    await follower.finish(RUN, true)
    assert.deepEqual(shown, [1, '2 missing', 4])
  })
})
